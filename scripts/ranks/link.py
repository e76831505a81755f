"""A link between two networks of this machine, that delays, loses or stops what goes over it.

    python3 scripts/ranks/link.py NAME_A NAME_B

Makes both networks (`ip netns`), of the addresses 10.77.0.1 and 10.77.0.2, and says "ready". Lines of
standard input change the link: "delay SECONDS", "lose PART", "cut", "mend"; at its end both networks go. As
root, where a kernel has no netem: every packet passes through this program (two tun devices).
"""
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 1, 0x1000, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def enter(path):
    with open(path) as space:
        if libc.setns(space.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), path)


def device(name, address):
    """A tun device in a network of its own; its file."""
    subprocess.run(["ip", "netns", "add", name], check=True)
    enter(f"/run/netns/{name}")
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH", b"tun0", IFF_TUN | IFF_NO_PI))
    for words in (f"addr add {address}/24 dev tun0", "link set tun0 up", "link set lo up"):
        subprocess.run(["ip", *words.split()], check=True)
    enter(f"/proc/{os.getppid()}/ns/net")
    return file


def relay(ends):
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    delay, lose, cut, number, waiting = 0.0, 0.0, False, 0, []
    generator = random.Random(1)
    while True:
        wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([*ends, 0], [], [], wait)
        if 0 in readable:
            text = os.read(0, 4096).decode()
            if not text:
                return
            for words in map(str.split, text.splitlines()):
                delay = float(words[1]) if words[0] == "delay" else delay
                lose = float(words[1]) if words[0] == "lose" else lose
                cut = words[0] == "cut" if words[0] in ("cut", "mend") else cut
        for end in ends:
            if end not in readable:
                continue
            packet = os.read(end, 65536)
            if cut or generator.random() < lose:
                continue
            number += 1
            heapq.heappush(waiting, (time.monotonic() + delay, number, other[end], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(waiting)
            try:
                os.write(end, packet)
            except BlockingIOError:
                pass  # its queue is full: a loss


names = sys.argv[1:3]
try:
    ends = [device(name, f"10.77.0.{1 + i}") for i, name in enumerate(names)]
    print("ready", flush=True)
    relay(ends)
finally:
    for name in names:
        subprocess.run(["ip", "netns", "del", name], check=False)
