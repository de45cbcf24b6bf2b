/* What makes writing pleasanter. Every page works without it. */

// ---- characters left -------------------------------------------------------------------------------------

const ANNOUNCE_AFTER_MS = 1200;
const WARN_FROM = 0.8; // of the limit; below it screen readers announce nothing

// As the server keeps it and counts it: `to_unix_lines` of microblog/texts.py. Python's spaces are these, and
// String.trim() has others.
const SPACE = /[\p{White_Space}\u001c-\u001f]/u;

function asKept(text) {
  const lines = text.replace(/\r\n?/g, '\n');
  let start = 0;
  let end = lines.length;
  while (start < end && SPACE.test(lines[start])) start += 1;
  while (end > start && SPACE.test(lines[end - 1])) end -= 1;
  return lines.slice(start, end);
}

const segmenter = 'Segmenter' in Intl ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

function countCharacters(text) {
  let characters = 0;
  for (const _ of segmenter.segment(text)) characters += 1;
  return characters;
}

// A sentence for each kind of number that the language of the page has.
function countIn(forms, number) {
  const { lang } = document.documentElement;
  return (forms[new Intl.PluralRules(lang).select(number)] ?? forms.other)
    .replace('{n}', number.toLocaleString(lang));
}

function showCharactersLeft(field) {
  const counter = document.querySelector(`[data-counter-for="${CSS.escape(field.id)}"]`);
  const announcer = document.querySelector(`[data-announce-for="${CSS.escape(field.id)}"]`);
  const limit = Number(field.dataset.maxLength);
  if (!counter || !segmenter || !limit) return;

  let pause;
  const update = () => {
    const used = countCharacters(asKept(field.value));
    const over = used > limit;
    const number = Math.abs(limit - used);
    const sentence = countIn(JSON.parse(over ? counter.dataset.over : counter.dataset.left), number);
    counter.textContent = sentence;
    counter.toggleAttribute('data-over-limit', over);
    counter.hidden = false;
    return used >= limit * WARN_FROM ? sentence : '';
  };
  field.addEventListener('input', () => {
    const sentence = update();
    clearTimeout(pause);
    if (announcer) pause = setTimeout(() => { announcer.textContent = sentence; }, ANNOUNCE_AFTER_MS);
  });
  update();
}

// ---- the height of a text --------------------------------------------------------------------------------

function growWithText(textarea) {
  if (CSS.supports('field-sizing', 'content')) return;
  const grow = () => {
    textarea.style.blockSize = 'auto';
    textarea.style.blockSize = `${textarea.scrollHeight + 2}px`;
  };
  textarea.addEventListener('input', grow);
  grow();
}

// ---- sending ---------------------------------------------------------------------------------------------

const SEND_AGAIN_AFTER_MS = 10_000; // the answer did not come, or the person pressed Escape

function sendWithEnter(textarea) {
  textarea.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    const button = textarea.form.querySelector('.primary[type="submit"]');
    if (!button.disabled) textarea.form.requestSubmit(button);
  });
}

function sendOnce(form) {
  let sending = false;
  let pause;
  const setSending = (now) => {
    sending = now;
    clearTimeout(pause);
    for (const button of form.querySelectorAll('[type="submit"]')) button.disabled = now;
  };
  form.addEventListener('submit', (event) => {
    if (sending) event.preventDefault();
    if (event.defaultPrevented) return;
    sending = true;
    // After this turn: a disabled button would not be part of what is sent.
    setTimeout(() => {
      setSending(!event.defaultPrevented);
      pause = setTimeout(() => setSending(false), SEND_AGAIN_AFTER_MS);
    });
  });
  addEventListener('pageshow', (event) => { if (event.persisted) setSending(false); });
}

// ---- what was accepted -----------------------------------------------------------------------------------
// The page that follows a form which the server has accepted names the key of the form, and may be shown by
// another tab than the one that has sent it. So the keys, which say nothing, are remembered for all tabs.

const ACCEPTED = 'accepted forms';
const MOST_ACCEPTED = 100;

function storeIn(area) {
  return {
    read(name) {
      try { return JSON.parse(area().getItem(name)); } catch { return null; }
    },
    write(name, value) {
      try { area().setItem(name, JSON.stringify(value)); } catch { return false; /* full or forbidden */ }
      return true;
    },
    forget(name) {
      try { area().removeItem(name); } catch { /* forbidden: there is nothing */ }
    },
  };
}

const ofThisTab = storeIn(() => sessionStorage);
const ofAllTabs = storeIn(() => localStorage);
const acceptedHere = [];

function acceptedKeys() {
  return [...ofAllTabs.read(ACCEPTED) ?? [], ...acceptedHere];
}

function noteAccepted(page) {
  const keys = (page.body.dataset.accepted ?? '').split(' ').filter(Boolean);
  if (!keys.length) return;
  acceptedHere.push(...keys);
  ofAllTabs.write(ACCEPTED, acceptedKeys().slice(-MOST_ACCEPTED));
}

// As the server makes them: random, and for whom the page was made.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const { person } = document.body.dataset;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') + (person ? `.${person}` : '');
}

// All forms of a page come with one key; what was accepted is one of them.
function setOwnKey(form) {
  const key = form.elements.namedItem('key');
  if (key) key.value = newKey();
}

// ---- drafts ----------------------------------------------------------------------------------------------
// In sessionStorage: they live as long as the tab and nobody else who uses the browser later can read them. A
// draft is {form, key, text, sent}: `sent` is the text that was sent with this key, if it was. It ends when
// its author removes the text, or when the server has accepted the very text; no other page proves anything.
// The last one is the one that was written in last.

const DRAFTS = `drafts of ${document.body.dataset.person}`;
const LOGGING_OUT = 'logging out';

const readDrafts = () => ofThisTab.read(DRAFTS) ?? [];
const writeDrafts = (drafts) => ofThisTab.write(DRAFTS, drafts);
const draftWith = (key) => readDrafts().find((draft) => draft.key === key);
const isUnanswered = (draft) => draft.sent === draft.text;
const isSameText = (one, other) => asKept(one) === asKept(other);

function settleDrafts() {
  const accepted = acceptedKeys();
  const drafts = readDrafts();
  const left = drafts
    .filter((draft) => !accepted.includes(draft.key) || !isUnanswered(draft))
    // Written on after it was sent: what there is now was not accepted.
    .map((draft) => (accepted.includes(draft.key) ? { ...draft, key: newKey(), sent: null } : draft));
  if (left.length || drafts.length) writeDrafts(left);
}

// A place for the other draft of this form. It is made here: text browsers show whatever is on a page.
function makeDraftBox({ id, dataset }) {
  const [box, label, text, button] = ['div', 'label', 'textarea', 'button'].map((name) => document.createElement(name));
  box.className = 'other-draft';
  label.htmlFor = text.id = `other-draft-of-${id}`;
  label.textContent = dataset.otherDraft;
  Object.assign(text, { rows: 2, readOnly: true, dir: 'auto' });
  Object.assign(button, { className: 'button', type: 'button', textContent: dataset.swapDrafts });
  box.append(label, text, button);
  return { box, text, button };
}

function keepDraft(form) {
  const textarea = form.querySelector('textarea');
  const key = form.elements.namedItem('key');
  const path = new URL(form.action).pathname;
  const otherBox = makeDraftBox(form);
  form.parentElement.querySelector('.other-draft')?.remove(); // of the form whose place this one takes
  let kept = null; // what is stored of the text of this page

  const draftsOfForm = () => readDrafts().filter((draft) => draft.form === path);
  const otherDraft = () => draftsOfForm().filter((draft) => draft.key !== key.value).at(-1);

  const keep = (changes) => {
    const draft = { form: path, sent: null, ...draftWith(key.value), key: key.value, text: textarea.value, ...changes };
    const others = readDrafts().filter((each) => each.key !== key.value);
    const isKept = writeDrafts(asKept(textarea.value) ? [...others, draft] : others);
    kept = isKept ? textarea.value : null;
    // What is stored here is better than what browsers put in again by themselves, which may have been sent.
    form.autocomplete = isKept ? 'off' : 'on';
  };
  const fill = (text) => {
    textarea.value = text;
    textarea.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const showOther = () => {
    const other = otherDraft();
    otherBox.text.value = other?.text ?? '';
    if (other) form.after(otherBox.box);
    else otherBox.box.remove();
  };
  const take = (draft) => {
    // Sent once more with the key and the text that have been sent, it is still sent once.
    key.value = isUnanswered(draft) ? draft.key : newKey();
    writeDrafts(readDrafts().map((each) => (each.key === draft.key ? { ...each, key: key.value } : each)));
    fill(draft.text);
    showOther();
  };
  const begin = () => {
    if (asKept(textarea.value)) {
      // The server gives a text back, which is one of the drafts or one more: it is not sent yet.
      const same = draftsOfForm().filter((draft) => isSameText(draft.text, textarea.value)).at(-1);
      writeDrafts(readDrafts().filter((draft) => draft.key !== same?.key));
      keep(same ? { text: same.text } : {}); // which is without spaces around it
    } else {
      const last = draftsOfForm().at(-1);
      if (last) take(last);
    }
    showOther();
  };
  // What was here has been accepted by now, or was taken up by a later page.
  const beginAgain = () => {
    key.value = newKey();
    if (textarea.value === kept) fill('');
    begin();
  };

  textarea.addEventListener('input', () => keep({}));
  form.addEventListener('submit', (event) => { if (!event.defaultPrevented) keep({ sent: textarea.value }); });
  otherBox.button.addEventListener('click', () => {
    take(otherDraft());
    textarea.focus();
  });
  addEventListener('pageshow', (event) => {
    if (!event.persisted || !form.isConnected) return;
    settleDrafts();
    if (!draftWith(key.value)) beginAgain();
  });
  const settle = () => {
    if (!form.isConnected || !draftWith(key.value)) return;
    settleDrafts();
    if (!draftWith(key.value)) beginAgain();
  };
  addEventListener('storage', (event) => { if (event.key === ACCEPTED) settle(); });
  form.addEventListener('accepted', settle);
  begin();
}

// Who has logged out leaves nothing; who could not log out has lost nothing.
function forgetWithLogOut(form) {
  form.addEventListener('submit', () => {
    ofThisTab.write(LOGGING_OUT, { key: form.elements.namedItem('key').value, drafts: DRAFTS });
  });
}

function settleLogOut() {
  const leaving = ofThisTab.read(LOGGING_OUT);
  if (!leaving || !acceptedKeys().includes(leaving.key)) return;
  ofThisTab.forget(leaving.drafts);
  ofThisTab.forget(LOGGING_OUT);
}

// ---- following in a list ---------------------------------------------------------------------------------
// The list stays where it is, and the focus on the button. What the button says then is what the profile of
// that person says. Where anything is in the way, the form is sent as it would be without this.

function followInPlace(form) {
  const button = form.querySelector('button');
  let sending = false;

  const send = async () => {
    const fields = new URLSearchParams(new FormData(form));
    fields.set('next', new URL(form.action).pathname.replace(/\/[^/]*$/, '')); // the profile
    const answer = await fetch(form.action, sendAlsoWhenLeft(fields));
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (!answer.ok && isOurs(page)) return showRefusal(form, page);
    const shown = page.querySelector('form.follow');
    if (!answer.ok || !shown) throw new Error(`${answer.status}`);
    form.setAttribute('action', shown.getAttribute('action'));
    const now = shown.querySelector('button');
    button.className = now.className;
    button.replaceChildren(...now.childNodes);
    form.closest('.person').querySelector('[data-followers]').replaceChildren(...page.querySelector('[data-followers]').childNodes);
    document.querySelector('[data-followed]').textContent = page.querySelector('.flash')?.textContent ?? '';
    setOwnKey(form);
  };
  form.addEventListener('submit', (event) => {
    if (sending) event.preventDefault();
    if (event.defaultPrevented) return;
    event.preventDefault();
    sending = true;
    send().catch(() => form.submit()).finally(() => { sending = false; });
  });
}

// ---- times -----------------------------------------------------------------------------------------------
// The server writes them, in the language and the zone of the reader; here they go on. What is kept of the
// device is the name of its zone, for the next page.

const UNITS_OF_TIME = [[86_400, 'day'], [3_600, 'hour'], [60, 'minute']];
const DAYS_BEFORE_A_DATE = 7;
const REFRESH_TIMES_AFTER_MS = 20_000;
const YEAR_SECONDS = 31_536_000;

function keepTimeZone() {
  const { zone, zoneCookie } = document.body.dataset;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zoneCookie || !here || here === zone) return;
  const secure = zoneCookie.startsWith('__Host-') ? '; secure' : '';
  document.cookie = `${zoneCookie}=${encodeURIComponent(here)}; path=/; max-age=${YEAR_SECONDS}; samesite=lax${secure}`;
}

// As the server does, which writes the digits of the West in every language.
const agoFormat = new Intl.RelativeTimeFormat(`${document.documentElement.lang}-u-nu-latn`, { numeric: 'always' });

function formatAgo(time) {
  const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
  const unit = UNITS_OF_TIME.find(([size]) => seconds >= size);
  if (!unit || seconds >= DAYS_BEFORE_A_DATE * 86_400) return null; // what it says is right
  return agoFormat.format(-Math.floor(seconds / unit[0]), unit[1]);
}

function refreshTimes() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll('time[data-ago]')) {
    const words = formatAgo(time);
    // The server's words may differ in a letter: they stay as long as they are right.
    if (words && time.dataset.ago !== words) {
      if (time.dataset.ago) time.textContent = words;
      time.dataset.ago = words;
    } else if (!words) {
      time.dataset.ago ||= '-';
    }
  }
}

function keepTimesFresh() {
  keepTimeZone();
  refreshTimes();
  setInterval(refreshTimes, REFRESH_TIMES_AFTER_MS);
  document.addEventListener('visibilitychange', refreshTimes);
}

// ---- what will be published ------------------------------------------------------------------------------
// The seconds for which it can be taken back; then the button goes, which would come too late.

function countSeconds(text) {
  const until = Date.now() + Number(text.dataset.secondsLeft) * 1000;
  const timer = setInterval(() => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left > 0) text.textContent = countIn(JSON.parse(text.dataset.words), left);
    else text.closest('form').remove();
    if (left <= 0 || !text.isConnected) clearInterval(timer);
  }, 1000);
}

// ---- translating in place --------------------------------------------------------------------------------
// The pages of microblog/translation/ are asked as without this; what they show stands in place of the text.
// Where anything is in the way, the link leads to them. For posts that come later, too.

async function askForTranslation(address) {
  const { page } = await readPage(address);
  const form = page.querySelector('#translate-form');
  if (!form) return page;
  const body = new URLSearchParams(new FormData(form));
  // The server knows how long a translation may take.
  return (await readPage(form.action, { method: 'POST', body, signal: undefined })).page;
}

function showTranslation(link, page) {
  const body = link.closest('article').querySelector('.post-body');
  const translation = page.querySelector('[data-translation]');
  const problem = page.querySelector('[data-translation-problem], .flash-error');
  if (!translation && !problem) return false;
  body.parentElement.querySelector('.translation-problem')?.remove();
  if (translation) {
    body.after(translation);
    body.hidden = link.hidden = true;
    translation.tabIndex = -1;
    translation.focus();
  } else {
    problem.className = 'translation-problem';
    body.after(problem);
  }
  return true;
}

function showOriginal(link) {
  const article = link.closest('article');
  const hidden = article.querySelector('.post-body[hidden]');
  if (!hidden) return false;
  link.closest('[data-translation]').remove();
  hidden.hidden = false;
  const action = article.querySelector('a[data-translate]');
  action.hidden = false;
  action.focus();
  return true;
}

function translateInPlace() {
  const asking = new WeakSet();
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[data-translate], a[data-show-original]');
    if (!link || !staysHere(event)) return;
    if ('showOriginal' in link.dataset) {
      if (showOriginal(link)) event.preventDefault();
      return;
    }
    event.preventDefault();
    if (asking.has(link)) return;
    asking.add(link);
    link.setAttribute('aria-busy', 'true');
    askForTranslation(link.href)
      .then((page) => showTranslation(link, page))
      .catch(() => false)
      .then((isShown) => {
        asking.delete(link);
        link.removeAttribute('aria-busy');
        if (!isShown) location.assign(link.href);
      });
  });
}

// ---- without leaving the page ----------------------------------------------------------------------------
// A form with data-swap is sent by fetch. Of the page that follows, which is this one, the elements of these
// ids take the place of those that are here ("id?" need not be on either). A refusal is shown as it came. Where
// anything else is in the way, the form is sent once more as it would be without this; what comes twice is done once.
// With data-swap-around it is the element around the button, and of the page that is at the address of the button;
// with data-follows, of the page at that address.

const LONGEST_WAIT_MS = 10_000;

const fetchSoon = (url, options) => fetch(url, { signal: AbortSignal.timeout(LONGEST_WAIT_MS), ...options });

// With one of these keys a link opens in another tab or window.
const staysHere = (event) => !(event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey);

async function readPage(url, options) {
  const answer = await fetchSoon(url, options);
  return { page: new DOMParser().parseFromString(await answer.text(), 'text/html'), answer };
}

async function fetchPage(url, options) {
  const { page, answer } = await readPage(url, options);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return { page, url: answer.url };
}

function swap(ids, page) {
  for (const id of ids) {
    const here = document.getElementById(id.replace('?', ''));
    const there = page.getElementById(id.replace('?', ''));
    if (!here && !there && id.endsWith('?')) continue;
    if (!here || !there) throw new Error(id);
    const focused = here.contains(document.activeElement) && document.activeElement.closest('[id]').id;
    here.replaceWith(document.adoptNode(there));
    begin(there);
    if (!focused) continue;
    const next = document.getElementById(focused) ?? there;
    (next.matches('form') ? next.querySelector('.primary') ?? next.querySelector('button') : next).focus();
  }
}

// Of pictures and their texts the page has what was sent.
const TYPED = ['text', 'textarea', 'email', 'password', 'search', 'select-one'];
const PROBLEMS = ['.error-summary', '[data-flash="error"]', 'h1'];

// Of a page that refuses a form: the form, where it is the same as here, with what is typed by now; else all of it.
function showRefusal(form, page) {
  const again = page.getElementById(form.id);
  if (again?.className === form.className && !form.closest('dialog') && !swapsAround(form)) {
    Object.assign(again.dataset, form.dataset);
    for (const { name, type, value } of form.elements) {
      const field = again.elements[name];
      if (field instanceof Element && TYPED.includes(type)) field.value = value;
    }
    swap([form.id, 'messages'], page);
  } else {
    document.title = page.title;
    for (const name of ['lang', 'dir']) document.documentElement[name] = page.documentElement[name];
    document.body.replaceWith(document.adoptNode(page.body));
    begin(document);
  }
  const place = document.getElementById(form.id)?.closest('.reply-place');
  if (place) showMessagesIn(place);
  const problem = [place ?? document, document].flatMap((root) => PROBLEMS.map((each) => root.querySelector(each))).find(Boolean);
  problem.tabIndex = -1;
  problem.focus();
}

// What is sent arrives also when one leaves the page at once, where it is not too long for that.
const MOST_SENT_WHEN_LEFT = 60_000;

const isShort = (body) => body instanceof URLSearchParams && `${body}`.length <= MOST_SENT_WHEN_LEFT;
const sendAlsoWhenLeft = (body) => ({ method: 'POST', body, keepalive: isShort(body) });

// As a browser sends it, but a field for files without any is left out: then no parts are needed.
function readForm(form, submitter) {
  const fields = new FormData(form, submitter);
  const files = [...fields].filter(([, value]) => value instanceof File);
  if (files.some(([, file]) => file.size || file.name)) return fields;
  for (const [name] of files) fields.delete(name);
  return new URLSearchParams(fields);
}

// Proxies have pages of their own, and our very last one comes without anything.
const isOurs = (page) => page.querySelector('main#main h1');

const withoutHash = (url) => url.replace(/#.*/, '');

const swapsAround = (form) => 'swapAround' in form.dataset;

const listSwapped = (form, submitter) => (
  swapsAround(form) ? [submitter.parentElement.closest('[id]').id] : form.dataset.swap?.split(' ') ?? []
);

async function sendInPlace(form, submitter) {
  const body = readForm(form, submitter);
  const action = swapsAround(form) ? submitter.formAction : form.action;
  const follows = swapsAround(form) ? action : form.dataset.follows;
  if (follows) body.set('next', new URL(follows).pathname);
  const { page, answer: { ok, status, url } } = await readPage(action, sendAlsoWhenLeft(body));
  if (!ok && isOurs(page)) return showRefusal(form, page);
  if (!ok) throw new Error(`${status}`);
  if (url !== (follows ?? withoutHash(location.href))) throw new Error(url);
  noteAccepted(page);
  form.closest('dialog')?.close();
  swap([...listSwapped(form, submitter), 'messages'], page);
  for (const select of form.querySelectorAll('select')) select.selectedIndex = 0; // the next one is detected again
  for (const problem of form.querySelectorAll('.error-summary, .field-errors')) problem.remove();
  for (const field of form.querySelectorAll('[aria-invalid]')) field.removeAttribute('aria-invalid');
  form.dispatchEvent(new Event('accepted', { bubbles: true }));
}

function sendFormsInPlace() {
  const sending = new Set();
  document.addEventListener('submit', (event) => {
    const { target: form, submitter } = event;
    const ids = listSwapped(form, submitter);
    if (event.defaultPrevented || !ids.some((id) => document.getElementById(id))) return;
    event.preventDefault();
    const what = swapsAround(form) ? ids[0] : form;
    if (sending.has(what)) return;
    sending.add(what);
    sendInPlace(form, submitter).catch(() => {
      if (swapsAround(form)) form.action = submitter.formAction;
      form.submit();
    }).finally(() => sending.delete(what));
  });
}

// What a link with data-dialog asks is asked here.
async function askInDialog(link) {
  const { page } = await fetchPage(link.href);
  const dialog = document.createElement('dialog');
  const form = page.querySelector('main form');
  const title = document.createElement('h2');
  title.id = 'dialog-title';
  title.textContent = page.querySelector('h1').textContent;
  dialog.setAttribute('aria-labelledby', title.id);
  dialog.append(title, page.querySelector('.lead'), form);
  form.querySelector('a').addEventListener('click', (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.querySelector('main').append(dialog);
  begin(dialog);
  dialog.showModal();
}

function askInDialogs() {
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-dialog]');
    if (!link || !staysHere(event)) return;
    event.preventDefault();
    askInDialog(link).catch(() => location.assign(link.href));
  });
}

// ---- answering in place ----------------------------------------------------------------------------------
// Below a post, the form of the page that its link "Reply" leads to. Closed, it is kept with its text; once it is
// sent, what the server says stands there.

function showMessagesIn(place) {
  place.querySelector('.flash')?.remove();
  place.prepend(...document.getElementById('messages').children);
}

async function makeReplyPlace(link, close) {
  const { page } = await fetchPage(link.href);
  const form = page.getElementById(link.hash.slice(1));
  Object.assign(form.dataset, { swap: link.parentElement.id, follows: withoutHash(link.href) });
  const [place, cancel] = ['div', 'button'].map((name) => document.createElement(name));
  place.className = 'reply-place';
  Object.assign(cancel, { className: 'button', type: 'button', textContent: form.dataset.cancel });
  place.append(form, cancel);
  cancel.addEventListener('click', close);
  place.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !event.isComposing) close(); });
  place.addEventListener('accepted', () => {
    if (!place.isConnected) return;
    place.replaceChildren();
    showMessagesIn(place);
    place.tabIndex = -1;
    place.focus();
  });
  return place;
}

function answerInPlace() {
  const places = new WeakMap(); // by link
  const loading = new WeakSet();

  const close = (link) => {
    places.get(link).remove();
    link.setAttribute('aria-expanded', 'false');
    link.focus();
  };
  const open = async (link) => {
    const isNew = !places.has(link);
    if (isNew) places.set(link, await makeReplyPlace(link, () => close(link)));
    const place = places.get(link);
    const article = link.closest('article');
    if (article.nextElementSibling?.matches('.reply-place')) article.nextElementSibling.remove(); // what was said there
    article.after(place);
    if (isNew) begin(place);
    link.setAttribute('aria-expanded', 'true');
    place.scrollIntoView({ block: 'nearest' });
    place.querySelector('textarea').focus();
  };
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[data-reply]');
    if (!link || !staysHere(event)) return;
    event.preventDefault();
    if (event.detail > 1 || loading.has(link)) return; // a double click is one
    const form = document.getElementById(link.hash.slice(1)); // on its own page, or open
    if (places.get(link)?.isConnected) close(link);
    else if (form) form.querySelector('textarea').focus();
    else {
      loading.add(link);
      open(link).catch(() => location.assign(link.href)).finally(() => loading.delete(link));
    }
  });
}

// ---- pictures --------------------------------------------------------------------------------------------
// What is chosen, pasted into the text or dropped on the form is sent at once, by the buttons that are there for
// whoever has no script. The box of the page that comes back takes the place of the one that is here.

const LONGEST_UPLOAD_MS = 120_000;

function addPictures(box) {
  const form = box.closest('form');
  const text = form.querySelector('textarea');
  const isPicture = (file) => file.type.startsWith('image/');
  let last = Promise.resolve();
  let current = box;

  const say = (sentence) => {
    current.querySelector('.compose-said')?.remove();
    if (!sentence) return;
    const place = document.createElement('p');
    Object.assign(place.dataset, { flash: 'error' });
    Object.assign(place, { className: 'compose-said field-errors', textContent: sentence });
    place.setAttribute('role', 'alert');
    current.append(place);
  };
  const show = (next) => {
    const texts = new Map([...current.querySelectorAll('li')].map((item) => (
      [item.querySelector('[name="picture"]').value, item.querySelector('textarea').value]
    )));
    for (const item of next.querySelectorAll('li')) {
      const typed = texts.get(item.querySelector('[name="picture"]').value);
      if (typed !== undefined) item.querySelector('textarea').value = typed;
    }
    const isNew = next.querySelectorAll('li').length > texts.size;
    current.replaceWith(document.adoptNode(next));
    current = next;
    text.required = !next.querySelector('li');
    watch();
    for (const textarea of next.querySelectorAll('textarea')) growWithText(textarea);
    const field = isNew ? [...next.querySelectorAll('li textarea')].at(-1) : next.querySelector('input[type="file"]');
    field.focus();
  };
  const send = async (changes, files = []) => {
    const body = new FormData(form);
    body.delete('pictures');
    body.delete(text.name);
    for (const [name, value] of Object.entries(changes)) body.set(name, value);
    for (const file of files) body.append('pictures', file);
    const { page, answer } = await readPage(form.action, { method: 'POST', body, signal: AbortSignal.timeout(LONGEST_UPLOAD_MS) });
    const next = page.getElementById(current.id);
    const problem = page.querySelector('.error-summary')?.textContent.trim();
    if (next) show(next);
    if (problem || !next) say(problem ?? page.querySelector('main h1')?.textContent ?? `${answer.status}`);
  };
  const change = (changes, files) => {
    current.setAttribute('aria-busy', 'true');
    say('');
    last = last.then(() => send(changes, files)).catch(() => say(current.dataset.failed)).finally(() => {
      current.removeAttribute('aria-busy');
    });
  };
  function watch() {
    current.querySelector('input[type="file"]').addEventListener('change', ({ target }) => {
      const files = [...target.files];
      target.value = '';
      if (files.length) change({ add: '1' }, files);
    });
    for (const button of current.querySelectorAll('[name="remove"]')) {
      button.addEventListener('click', (event) => {
        event.preventDefault();
        change({ remove: button.value });
      });
    }
  }
  const take = (event, files) => {
    const pictures = [...files].filter(isPicture);
    if (!pictures.length) return;
    event.preventDefault();
    change({ add: '1' }, pictures);
  };
  text.addEventListener('paste', (event) => take(event, event.clipboardData.files));
  form.addEventListener('dragover', (event) => {
    if (![...event.dataTransfer.items].some((item) => item.kind === 'file')) return;
    event.preventDefault();
    form.classList.add('is-dropping');
  });
  for (const name of ['dragleave', 'drop']) form.addEventListener(name, () => form.classList.remove('is-dropping'));
  form.addEventListener('drop', (event) => take(event, event.dataTransfer.files));
  form.addEventListener('accepted', () => {
    for (const part of current.querySelectorAll('ol, .hint, .compose-sensitive, .compose-said')) part.remove();
    current.querySelector('input[type="file"]').disabled = false;
    text.required = true;
  });
  watch();
}

// A picture is looked at where it is: its page in a dialog, in which the arrows lead to the next one.
async function fillViewer(dialog, address) {
  const { page } = await fetchPage(address);
  const title = document.createElement('h2');
  title.id = 'viewer-title';
  title.textContent = page.querySelector('h1').textContent;
  const parts = [...page.querySelectorAll('.picture, .picture-pages')];
  dialog.replaceChildren(title, ...parts);
  dialog.querySelector('.picture-pages a:not([rel])').dataset.close = '';
}

async function viewPicture(link) {
  const dialog = document.createElement('dialog');
  dialog.className = 'viewer';
  dialog.setAttribute('aria-labelledby', 'viewer-title');
  await fillViewer(dialog, link.href);
  const go = (way) => {
    const next = dialog.querySelector(`.picture-pages a[rel="${way}"]`);
    if (!next) return;
    const focus = () => (dialog.querySelector(`a[rel="${way}"]`) ?? dialog.querySelector('a')).focus();
    fillViewer(dialog, next.href).then(focus, () => location.assign(next.href));
  };
  dialog.addEventListener('click', (event) => {
    const pressed = event.target.closest('a');
    if (event.target === dialog) dialog.close();
    if (!pressed || !staysHere(event)) return;
    event.preventDefault();
    if ('close' in pressed.dataset) dialog.close();
    else go(pressed.rel);
  });
  dialog.addEventListener('keydown', ({ key }) => {
    const back = document.documentElement.dir === 'rtl' ? 'ArrowRight' : 'ArrowLeft';
    if (key === 'ArrowLeft' || key === 'ArrowRight') go(key === back ? 'prev' : 'next');
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.querySelector('main').append(dialog);
  dialog.showModal();
}

function viewPictures() {
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[data-view]');
    if (!link || !staysHere(event)) return;
    event.preventDefault();
    viewPicture(link).catch(() => location.assign(link.href));
  });
}

// ---- people to mention -----------------------------------------------------------------------------------
// Behind an @ that begins a nickname: a list that is chosen from with the arrows, Enter or Tab, and goes with
// Escape. The focus stays in the text, which is a combobox as long as there is a list.

const ASK_FOR_PEOPLE_AFTER_MS = 150;
const MENTION_BEGUN = /(?<![\p{L}\p{M}\p{N}_@./])@([\w.]{0,30})$/u;

function makePerson({ nickname, name, avatar }, id) {
  const option = document.createElement('li');
  Object.assign(option, { id, className: 'offered' });
  option.setAttribute('role', 'option');
  const picture = Object.assign(document.createElement('img'), { src: avatar, alt: '', className: 'avatar', width: 32, height: 32 });
  const names = [`@${nickname}`, name].filter(Boolean).map((text) => {
    const isolated = document.createElement('bdi');
    isolated.textContent = text;
    return isolated;
  });
  option.append(picture, ...names);
  option.dataset.nickname = nickname;
  return option;
}

function offerPeople(textarea) {
  const list = Object.assign(document.createElement('ul'), { id: `${textarea.id}-people`, className: 'people-offered', hidden: true });
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', textarea.dataset.peopleLabel);
  textarea.after(list);
  let pause;
  let asked = 0; // a late answer to an earlier question is none
  let active = -1;

  const begun = () => (textarea.selectionStart === textarea.selectionEnd
    ? MENTION_BEGUN.exec(textarea.value.slice(0, textarea.selectionStart)) : null);
  const close = () => {
    clearTimeout(pause);
    asked += 1;
    list.hidden = true;
    for (const name of ['role', 'aria-expanded', 'aria-controls', 'aria-autocomplete', 'aria-activedescendant']) textarea.removeAttribute(name);
  };
  const activate = (index) => {
    active = index;
    [...list.children].forEach((option, number) => option.setAttribute('aria-selected', String(number === index)));
    textarea.setAttribute('aria-activedescendant', list.children[index].id);
    list.children[index].scrollIntoView({ block: 'nearest' });
  };
  const choose = (option) => {
    const [{ length }] = begun() ?? [''];
    close();
    if (!length) return;
    const end = textarea.selectionStart;
    textarea.setRangeText(`@${option.dataset.nickname} `, end - length, end, 'end');
    textarea.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const open = (people) => {
    list.replaceChildren(...people.map((person, index) => makePerson(person, `${list.id}-${index}`)));
    list.hidden = false;
    const state = { role: 'combobox', 'aria-expanded': 'true', 'aria-controls': list.id, 'aria-autocomplete': 'list' };
    for (const [name, value] of Object.entries(state)) textarea.setAttribute(name, value);
    activate(0);
  };
  const ask = async () => {
    const [, beginning] = begun() ?? [];
    if (beginning === undefined) { close(); return; }
    asked += 1;
    const question = asked;
    const answer = await fetchSoon(`${textarea.dataset.people}?q=${encodeURIComponent(beginning)}`);
    const { people } = answer.ok ? await answer.json() : { people: [] };
    if (question !== asked) return;
    if (people.length && document.activeElement === textarea) open(people); else close();
  };
  const keys = {
    ArrowDown: () => activate((active + 1) % list.children.length),
    ArrowUp: () => activate((active + list.children.length - 1) % list.children.length),
    Enter: () => choose(list.children[active]),
    Tab: () => choose(list.children[active]),
    Escape: close,
  };

  textarea.addEventListener('input', (event) => {
    clearTimeout(pause);
    if (event.isComposing) return;
    if (begun()) pause = setTimeout(() => ask().catch(close), ASK_FOR_PEOPLE_AFTER_MS); else close();
  });
  textarea.addEventListener('keydown', (event) => {
    if (list.hidden || event.isComposing || !staysHere(event) || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
  textarea.addEventListener('blur', close);
  textarea.addEventListener('click', close);
  list.addEventListener('pointerdown', (event) => event.preventDefault()); // the focus stays in the text
  list.addEventListener('click', (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) choose(option);
  });
}

// ---- cards -----------------------------------------------------------------------------------------------
// Who it is, beside the link to somebody that the mouse or the focus rests on. It stays while one is in it, and
// goes with Escape.

const CARD_AFTER_MS = 500;
const CARD_GOES_AFTER_MS = 250;
const NAMES = '.post-author a, .post-body a';

function showCards() {
  const cards = new Map(); // HTML, by address
  let shown = null; // {link, card}
  let pause;

  const hide = () => {
    shown?.card.remove();
    shown = null;
  };
  const fetchCard = async (link) => {
    if (!cards.has(link.href)) {
      const answer = await fetchSoon(`${link.href}/card`);
      if (!answer.ok) throw new Error(`${answer.status}`);
      cards.set(link.href, await answer.text());
    }
    return new DOMParser().parseFromString(cards.get(link.href), 'text/html').querySelector('.card');
  };
  const show = async (link) => {
    const card = document.adoptNode(await fetchCard(link));
    if (!link.isConnected || !(link.matches(':hover') || link === document.activeElement)) return;
    hide();
    shown = { link, card };
    (link.closest('.post-author') ?? link).after(card);
    const next = card.querySelector('[name="next"]');
    if (next) next.value = location.pathname + location.search; // one stays here
    const [place, frame] = [link.getBoundingClientRect(), card.offsetParent.getBoundingClientRect()];
    const edge = document.documentElement.clientWidth - card.offsetWidth - 8;
    card.style.top = `${place.bottom - frame.top + 4}px`;
    const start = card.dir === 'rtl' ? place.right - card.offsetWidth : place.left;
    card.style.left = `${Math.max(8, Math.min(start, edge)) - frame.left}px`;
    begin(card);
    card.addEventListener('submit', () => cards.clear());
  };
  const later = (action, wait) => {
    clearTimeout(pause);
    pause = setTimeout(action, wait);
  };
  const enter = (event) => {
    if (shown?.card.contains(event.target)) return clearTimeout(pause);
    const link = event.target.closest?.(NAMES);
    if (link && /\/users\/[\w.]+$/.test(link.pathname) && link.origin === location.origin) {
      if (link === shown?.link) clearTimeout(pause);
      else later(() => show(link).catch(() => {}), CARD_AFTER_MS);
    } else later(hide, CARD_GOES_AFTER_MS);
  };
  if (matchMedia('(hover: hover)').matches) document.addEventListener('mouseover', enter);
  document.addEventListener('focusin', enter);
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !shown) return;
    if (shown.card.contains(document.activeElement)) shown.link.focus();
    hide();
    clearTimeout(pause);
  });
}

// ---- new posts -------------------------------------------------------------------------------------------
// The address in data-updates says how many there are, in a sentence. Hidden tabs do not ask, and those in
// which nothing comes ask less and less often.

const ASK_AFTER_MS = 30_000;
const ASK_AT_LEAST_AFTER_MS = 300_000;

function askForNewPosts(box) {
  let wait = ASK_AFTER_MS;
  let pause;
  const link = box.querySelector('a');
  const later = () => {
    clearTimeout(pause);
    if (box.isConnected && !document.hidden) pause = setTimeout(ask, wait);
    wait = Math.min(wait * 1.5, ASK_AT_LEAST_AFTER_MS);
  };
  const ask = async () => {
    try {
      const answer = await fetchSoon(box.dataset.updates);
      const { text } = await answer.json();
      if (text && text !== link.textContent) {
        link.textContent = text;
        link.hidden = false;
        wait = ASK_AFTER_MS;
      }
    } catch { /* later, perhaps */ }
    later();
  };
  link.addEventListener('click', async (event) => {
    event.preventDefault();
    try {
      const { page } = await fetchPage(link.href);
      swap(['posts'], page);
    } catch { location.assign(link.href); }
  });
  const onVisibility = () => {
    if (!box.isConnected) document.removeEventListener('visibilitychange', onVisibility);
    wait = ASK_AFTER_MS;
    later();
  };
  document.addEventListener('visibilitychange', onVisibility);
  later();
}

// ---- unread notifications --------------------------------------------------------------------------------
// The address in data-unread says how many there are. Only a tab that somebody sees asks. What has failed is
// asked less and less often; who has been logged out is not asked for any more.

const COUNT_AFTER_MS = 60_000;
const COUNT_AT_LEAST_AFTER_MS = 900_000;

function keepUnreadCount(link) {
  const label = link.querySelector('[data-unread-label]');
  const badge = link.querySelector('[data-unread-count]');
  let wait = COUNT_AFTER_MS;
  let asked = Date.now();
  let pause;
  let title = document.title;
  let titled = title;
  const nameTab = () => {
    if (document.title !== titled) title = document.title;  // another page came in its place
    titled = badge.textContent ? `(${badge.textContent}) ${title}` : title;
    document.title = titled;
  };
  const later = (after) => {
    clearTimeout(pause);
    if (link.isConnected && !document.hidden) pause = setTimeout(ask, after);
  };
  const ask = async () => {
    asked = Date.now();
    try {
      const answer = await fetchSoon(link.dataset.unread, { redirect: 'manual', cache: 'no-cache' });
      if (answer.type === 'opaqueredirect') return;
      if (!answer.ok) throw new Error(answer.statusText);
      const { shown, label: words } = await answer.json();
      if (shown !== badge.textContent) {
        badge.textContent = shown;
        label.textContent = words;
        nameTab();
      }
      wait = COUNT_AFTER_MS;
    } catch { wait = Math.min(wait * 2, COUNT_AT_LEAST_AFTER_MS); }
    later(wait);
  };
  document.addEventListener('visibilitychange', () => later(Math.max(0, asked + wait - Date.now())));
  nameTab();
  later(wait);
}

// ---- older posts -----------------------------------------------------------------------------------------
// For who has chosen it in the preferences: what the link to the next page leads to comes by itself, below a link to that
// page. Where it does not come, the link is still there.

function showOlderPosts(list) {
  const isNear = new IntersectionObserver(async ([{ isIntersecting, target: link }]) => {
    if (!isIntersecting) return;
    isNear.disconnect();
    try {
      const { page } = await fetchPage(link.href);
      const pages = list.parentElement.querySelector('.pages');
      const seam = document.createElement('li');
      seam.className = 'seam';
      seam.append(link.cloneNode(true));
      const posts = [...page.querySelectorAll('.posts > li')];
      pages.replaceWith(page.querySelector('.pages'));
      list.append(seam, ...posts);
      posts.forEach(begin);
      watch();
    } catch { /* the link is there */ }
  }, { rootMargin: '25%' });
  const watch = () => {
    const link = list.parentElement.querySelector('.pages [rel="next"]');
    if (link) isNear.observe(link);
  };
  watch();
}

// ---- pictures of oneself ---------------------------------------------------------------------------------
// What is chosen is seen before it is saved: drawn here, as pages show no pictures but those of the site.

function drawChosen(picture, { portrait, width, height }) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height, className: `portrait-${portrait}` });
  canvas.setAttribute('aria-hidden', 'true');
  const scale = Math.max(canvas.width / picture.width, canvas.height / picture.height);
  const [drawnWidth, drawnHeight] = [picture.width * scale, picture.height * scale];
  const [left, top] = [(canvas.width - drawnWidth) / 2, (canvas.height - drawnHeight) / 2];
  canvas.getContext('2d').drawImage(picture, left, top, drawnWidth, drawnHeight);
  return canvas;
}

function showChosen(box) {
  const field = box.querySelector('input[type="file"]');
  const said = box.querySelector('.portrait-said');
  const before = said.textContent;
  field?.addEventListener('change', async () => {
    const [file] = field.files;
    const picture = file && await createImageBitmap(file).catch(() => null);
    if (field.files[0] !== file) return;
    box.querySelector('canvas')?.remove();
    if (picture) field.parentElement.prepend(drawChosen(picture, box.dataset));
    for (const other of box.querySelectorAll('img, .field-checkbox')) other.hidden = Boolean(picture);
    said.textContent = picture ? box.dataset.chosen : before;
  });
}

// ---- begin -----------------------------------------------------------------------------------------------

// For the page, and for what takes its place in it later.
function begin(root) {
  const all = (selector) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
  for (const field of all('[data-max-length]')) showCharactersLeft(field);
  for (const textarea of all('textarea:not([readonly])')) growWithText(textarea);
  for (const textarea of all('textarea[data-people]')) offerPeople(textarea);
  for (const textarea of all('textarea[data-send-with-enter]')) sendWithEnter(textarea);
  for (const form of all('form[method="post"]')) setOwnKey(form);
  // First of all that hear of it: it stops what is sent twice.
  for (const form of all('form[method="post"]')) sendOnce(form);
  for (const form of all('.people form.follow')) followInPlace(form);
  for (const form of all('form[data-draft]')) keepDraft(form);
  for (const box of all('[data-pictures]')) addPictures(box);
  for (const box of all('[data-portrait]')) showChosen(box);
  for (const form of all('#header-logout-form, #logout-form')) forgetWithLogOut(form);
  for (const text of all('[data-seconds-left]')) countSeconds(text);
  for (const box of all('[data-updates]')) askForNewPosts(box);
  for (const list of all('[data-endless]')) showOlderPosts(list);
  for (const link of all('.posts a[data-reply]')) link.setAttribute('aria-expanded', 'false');
  for (const link of all('[data-unread]')) keepUnreadCount(link);
}

noteAccepted(document);
settleLogOut();
settleDrafts();
keepTimesFresh();
translateInPlace();
begin(document);
sendFormsInPlace();
askInDialogs();
answerInPlace();
showCards();
viewPictures();

document.querySelector('.error-summary')?.focus();
