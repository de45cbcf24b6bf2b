/* What makes writing pleasanter. Every page works without it. */

// ---- characters left -------------------------------------------------------------------------------------

const ANNOUNCE_AFTER_MS = 1200;
const WARN_FROM = 0.8; // of the limit; below it a screen reader is not told

const segmenter = 'Segmenter' in Intl ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

function countCharacters(text) {
  let characters = 0;
  for (const _ of segmenter.segment(text)) characters += 1;
  return characters;
}

function showCharactersLeft(textarea) {
  const counter = document.querySelector(`[data-counter-for="${CSS.escape(textarea.id)}"]`);
  const announcer = document.querySelector(`[data-announce-for="${CSS.escape(textarea.id)}"]`);
  const limit = Number(textarea.dataset.maxLength);
  if (!counter || !segmenter || !limit) return;

  let pause;
  const update = () => {
    const used = countCharacters(textarea.value);
    const over = used > limit;
    const number = Math.abs(limit - used);
    const sentence = counter.dataset[`${over ? 'over' : 'left'}${number === 1 ? 'One' : ''}`]
      .replace('{n}', number.toLocaleString(document.documentElement.lang));
    counter.textContent = sentence;
    counter.toggleAttribute('data-over-limit', over);
    counter.hidden = false;
    return used >= limit * WARN_FROM ? sentence : '';
  };
  textarea.addEventListener('input', () => {
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
    const button = textarea.form.querySelector('[type="submit"]');
    if (!button.disabled) textarea.form.requestSubmit(button);
  });
}

function setSending(form, sending) {
  for (const button of form.querySelectorAll('[type="submit"]')) button.disabled = sending;
}

function sendOnce(form) {
  form.addEventListener('submit', (event) => {
    // After this turn: a disabled button would not be part of what is sent.
    setTimeout(() => { if (!event.defaultPrevented) setSending(form, true); });
    setTimeout(() => setSending(form, false), SEND_AGAIN_AFTER_MS);
  });
}

// ---- the draft -------------------------------------------------------------------------------------------
// In sessionStorage: it lives as long as the tab and nobody else who uses the browser later can read it.

const draftKey = `draft of ${document.body.dataset.person}`;
const sentKey = `sent by ${document.body.dataset.person}`;

const store = {
  read(key) {
    try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; }
  },
  write(key, value) {
    try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* full or forbidden: nothing is kept */ }
  },
  forget(key) {
    try { sessionStorage.removeItem(key); } catch { /* as above */ }
  },
};

const refusal = document.querySelector('.error-summary, [data-error-page], [data-flash="error"], #login-form');

function wasSent() {
  if (refusal) return false;
  const [navigation] = performance.getEntriesByType('navigation');
  return Boolean(document.querySelector('[data-flash="success"]')) || navigation?.redirectCount > 0;
}

// The first page after a post was sent tells whether it arrived.
function settleDraft() {
  const draft = store.read(draftKey);
  if (!draft?.sending) return;
  if (wasSent()) {
    store.write(sentKey, draft);
    store.forget(draftKey);
  } else {
    store.write(draftKey, { ...draft, sending: false });
  }
}

function keepDraft(form) {
  const textarea = form.querySelector('textarea');
  const key = form.elements.namedItem('key');
  const fill = (text) => {
    textarea.value = text;
    textarea.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const keep = (sending) => {
    if (textarea.value.trim()) store.write(draftKey, { text: textarea.value, key: key.value, sending });
    else store.forget(draftKey);
  };

  const draft = store.read(draftKey);
  if (draft && !textarea.value) fill(draft.text);
  textarea.addEventListener('input', () => keep(false));
  form.addEventListener('submit', () => keep(true));

  // Browsers bring a form back as it was left. Had it been sent, its text and its key are used up.
  addEventListener('pageshow', () => {
    const sent = store.read(sentKey);
    if (!sent || refusal) return;
    if (textarea.value === sent.text && !store.read(draftKey)) fill('');
    const [navigation] = performance.getEntriesByType('navigation');
    if (key.value && key.value === sent.key && navigation?.type !== 'reload') location.reload();
  });
}

function forgetEverything() {
  store.forget(draftKey);
  store.forget(sentKey);
}

// ---- begin -----------------------------------------------------------------------------------------------

settleDraft();
for (const textarea of document.querySelectorAll('textarea[data-max-length]')) showCharactersLeft(textarea);
for (const textarea of document.querySelectorAll('textarea:not([readonly])')) growWithText(textarea);
for (const textarea of document.querySelectorAll('textarea[data-send-with-enter]')) sendWithEnter(textarea);
for (const form of document.querySelectorAll('form[data-draft]')) keepDraft(form);
for (const form of document.querySelectorAll('form[method="post"]')) sendOnce(form);
for (const form of document.querySelectorAll('#header-logout-form, #logout-form')) form.addEventListener('submit', forgetEverything);

addEventListener('pageshow', (event) => {
  if (event.persisted) for (const form of document.querySelectorAll('form[method="post"]')) setSending(form, false);
});

document.querySelector('.error-summary')?.focus();
