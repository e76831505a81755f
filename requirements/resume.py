"""Lets pip go on with a download that was cut short.

What pip receives of a wheel is kept in a folder as well, and the next pip asks for what is missing (HTTP ranges, if the
server has them). pip checks the SHA-256 of the whole file in any case. A pip that is made otherwise than those known
downloads as ever.
"""
import hashlib
import io
import json
import os
from urllib.parse import urlsplit


class Kept:
    """What was received of a file so far. OSError while another process has it."""

    def __init__(self, folder, url):
        import fcntl

        os.makedirs(folder, exist_ok=True)
        name = os.path.join(folder, hashlib.sha256(url.encode()).hexdigest())
        self.file = open(name + '.part', 'ab+', buffering=0)
        fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.facts_file = name + '.json'
        self.size = self.file.seek(0, os.SEEK_END)
        self.length, self.validator = self.read_facts()

    def read_facts(self):
        try:
            with open(self.facts_file) as file:
                facts = json.load(file)
            return int(facts['length']), facts['validator']
        except (OSError, ValueError, KeyError, TypeError):
            return 0, None

    def begin(self, headers):
        """Forgets what there is, for a file that arrives as a whole."""
        self.file.truncate(0)
        self.size, self.length = 0, int(headers['content-length'])
        etag = headers.get('etag', '')
        validator = headers.get('last-modified') if etag.startswith('W/') or not etag else etag
        with open(self.facts_file, 'w') as file:
            json.dump({'length': self.length, 'validator': validator}, file)

    def chunks(self, size):
        position = 0
        while position < self.size:
            self.file.seek(position)
            chunk = self.file.read(min(size, self.size - position))
            position += len(chunk)
            yield chunk


class Body:
    """The body of a response: what was kept, then what arrives, which is kept too."""

    def __init__(self, raw, kept):
        self.raw = raw
        self.kept = kept

    def stream(self, size, decode_content=None):
        yield from self.kept.chunks(size)
        if self.kept.size == self.kept.length:
            return
        received = self.kept.size
        for chunk in self.raw.stream(size, decode_content=False):
            self.kept.file.write(chunk)
            received += len(chunk)
            yield chunk
        if received < self.kept.length:  # which pip would take for a file that was changed
            raise broken('The connection ended after %d of %d bytes' % (received, self.kept.length))

    def __getattr__(self, name):
        return getattr(self.raw, name)


def broken(text):
    from pip._internal.exceptions import NetworkConnectionError

    return NetworkConnectionError(text)


def is_download(method, url, options):
    asked = {name.lower() for name in options.get('headers') or {}}
    parts = urlsplit(url)
    is_wheel = parts.scheme in ('http', 'https') and parts.path.endswith('.whl')
    return method.upper() == 'GET' and is_wheel and bool(options.get('stream')) and 'range' not in asked


def install(folder):
    """Has the pip of this process keep what it downloads in `folder`."""
    try:
        from pip._internal.network.session import PipSession
        from pip._vendor.requests import Response
        from pip._vendor.requests.structures import CaseInsensitiveDict
    except ImportError:
        return
    plain = PipSession.request

    def whole(url, kept):
        response = Response()
        response.status_code, response.reason, response.url = 200, 'OK', url
        response.headers = CaseInsensitiveDict({'Content-Length': str(kept.length)})
        response.raw = Body(io.BytesIO(), kept)
        return response

    def rest(session, method, url, args, options, kept):
        """The response with what is missing as one with everything; None where the server has no such."""
        asked = {'Range': 'bytes=%d-' % kept.size}
        if kept.validator:
            asked['If-Range'] = kept.validator
        headers = dict(options.get('headers') or {}, **asked)
        response = plain(session, method, url, *args, **dict(options, headers=headers))
        span = 'bytes %d-%d/%d' % (kept.size, kept.length - 1, kept.length)
        if response.status_code == 206 and response.headers.get('content-range') == span:
            response.status_code = 200
            response.headers['Content-Length'] = str(kept.length)
            response.raw = Body(response.raw, kept)
            return response
        if response.status_code == 200:
            return keep(response, kept)
        response.close()
        return None

    def keep(response, kept):
        headers = response.headers
        is_plain = 'content-length' in headers and headers.get('content-encoding', 'identity') == 'identity'
        if response.status_code == 200 and is_plain and not getattr(response, 'from_cache', False):
            kept.begin(headers)
            response.raw = Body(response.raw, kept)
        return response

    def request(session, method, url, *args, **options):
        if not is_download(method, url, options):
            return plain(session, method, url, *args, **options)
        try:
            kept = Kept(folder, url)
        except (ImportError, OSError):
            return plain(session, method, url, *args, **options)
        if 0 < kept.size == kept.length:
            return whole(url, kept)
        if 0 < kept.size < kept.length:
            response = rest(session, method, url, args, options, kept)
            if response is not None:
                return response
        return keep(plain(session, method, url, *args, **options), kept)

    PipSession.request = request
