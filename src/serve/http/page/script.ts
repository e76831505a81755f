/** What the page does. Nothing that is answered becomes HTML. */
export const script = `
const $ = (id) => document.getElementById(id);
const base = location.pathname.endsWith('/') ? location.pathname : location.pathname + '/';
let key = '', last = null, asked = 0;
const ask = (path, init = {}) => fetch(base + path, { ...init, headers: { ...init.headers, ...(key ? { authorization: 'Bearer ' + key } : {}) } });
const fail = (text) => { $('error').textContent = text; $('error').hidden = !text; };
const failure = async (response) => {
  $('key').hidden = response.status !== 401;
  if (response.status === 401) {
    $('secret').focus();
    return key ? 'This is not the key of the service.' : 'The service asks for an API key.';
  }
  const { error, hint } = await response.json().catch(() => ({ error: 'The service answered ' + response.status }));
  return hint ? error + '. ' + hint : error;
};
const row = ({ label, probability }) => {
  const [item, name, part, track, bar] = ['li', 'span', 'span', 'span', 'span'].map((tag) => document.createElement(tag));
  name.textContent = label;
  part.textContent = (100 * probability).toFixed(1) + ' %';
  track.className = 'track';
  track.ariaHidden = 'true';
  bar.className = 'bar';
  bar.style.width = 100 * probability + '%';
  track.append(bar);
  item.append(name, part, track);
  return item;
};
async function classify(file) {
  if (!file) return;
  last = file;
  const mine = ++asked;
  fail('');
  $('state').textContent = 'Looking …';
  $('guesses').replaceChildren();
  URL.revokeObjectURL($('picture').src);
  $('picture').src = URL.createObjectURL(file);
  $('picture').hidden = false;
  $('picture').alt = file.name || 'the picture';
  try {
    const response = await ask('classify?topK=5', { method: 'POST', body: file, headers: { 'content-type': 'application/octet-stream' } });
    const text = response.ok ? '' : await failure(response);
    const answer = response.ok ? await response.json() : null;
    if (mine !== asked) return;
    fail(text);
    const top = answer ? answer.predictions[0].top : [];
    $('state').textContent = top.length ? 'It looks like ' + top[0].label + '.' : '';
    $('guesses').replaceChildren(...top.map(row));
  } catch {
    if (mine !== asked) return;
    $('state').textContent = '';
    fail('The service cannot be reached.');
  }
}
async function describe() {
  const response = await ask('model').catch(() => null);
  if (!response) return fail('The service cannot be reached.');
  if (!response.ok) return fail(await failure(response));
  const { name, classNames, input } = await response.json();
  $('name').textContent = name;
  document.title = name;
  $('facts').textContent = classNames.length + ' classes, images of ' + input.height + ' × ' + input.width + ' pixels';
}
$('file').addEventListener('change', ({ target }) => classify(target.files[0]));
$('key').addEventListener('submit', (event) => {
  event.preventDefault();
  key = $('secret').value;
  $('key').hidden = true;
  fail('');
  describe();
  classify(last);
});
for (const type of ['dragenter', 'dragover', 'dragleave', 'drop'])
  document.addEventListener(type, (event) => {
    event.preventDefault();
    $('drop').classList.toggle('over', type === 'dragenter' || type === 'dragover');
    if (type === 'drop') classify(event.dataTransfer.files[0]);
  });
document.addEventListener('paste', (event) => classify(event.clipboardData.files[0]));
$('picture').addEventListener('error', () => { $('picture').hidden = true; });
describe();
`;
