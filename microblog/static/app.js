/* What makes writing pleasanter. Every page works without it. */

// ---- characters left -------------------------------------------------------------------------------------

const ANNOUNCE_AFTER_MS = 1200;
const WARN_FROM = 0.8; // of the limit; below it a screen reader is not told

function countCharacters(text) {
  let characters = 0;
  for (const _ of segmenter.segment(text)) characters += 1;
  return characters;
}

const segmenter = 'Segmenter' in Intl ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

function showCharactersLeft(textarea) {
  const counter = document.querySelector(`[data-counter-for="${CSS.escape(textarea.id)}"]`);
  const announcer = document.querySelector(`[data-announce-for="${CSS.escape(textarea.id)}"]`);
  const limit = Number(textarea.dataset.maxLength);
  if (!counter || !segmenter || !limit) return;

  let pause;
  const update = () => {
    const used = countCharacters(textarea.value);
    const over = used > limit;
    const sentence = (over ? counter.dataset.over : counter.dataset.left)
      .replace('{n}', Math.abs(limit - used).toLocaleString(document.documentElement.lang));
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

const drafts = {
  read() {
    try { return JSON.parse(sessionStorage.getItem(draftKey)); } catch { return null; }
  },
  write(draft) {
    try {
      if (draft.text.trim()) sessionStorage.setItem(draftKey, JSON.stringify(draft));
      else sessionStorage.removeItem(draftKey);
    } catch { /* storage is full or forbidden: there is no draft then */ }
  },
  forget() {
    try { sessionStorage.removeItem(draftKey); } catch { /* as above */ }
  },
};

function wasSent() {
  const refused = '.error-summary, [data-error-page], [data-flash="error"], #login-form';
  if (document.querySelector(refused)) return false;
  const [navigation] = performance.getEntriesByType('navigation');
  return Boolean(document.querySelector('[data-flash="success"]')) || navigation?.redirectCount > 0;
}

function keepDraft(form) {
  const textarea = form.querySelector('textarea');
  let submitted = false;
  const draft = drafts.read();
  if (draft && !textarea.value) {
    textarea.value = draft.text;
    textarea.dispatchEvent(new Event('input', { bubbles: true }));
  }
  textarea.addEventListener('input', () => drafts.write({ text: textarea.value, sending: false }));
  form.addEventListener('submit', () => {
    submitted = true;
    drafts.write({ text: textarea.value, sending: true });
  });
  addEventListener('pageshow', (event) => {
    // Back to a form that has done its work: its text and its key are used up.
    if (event.persisted && submitted && !drafts.read()) {
      form.reset();
      location.reload();
    }
  });
}

// ---- begin -----------------------------------------------------------------------------------------------

if (drafts.read()?.sending && wasSent()) drafts.forget();

for (const textarea of document.querySelectorAll('textarea[data-max-length]')) showCharactersLeft(textarea);
for (const textarea of document.querySelectorAll('textarea:not([readonly])')) growWithText(textarea);
for (const textarea of document.querySelectorAll('textarea[data-send-with-enter]')) sendWithEnter(textarea);
for (const form of document.querySelectorAll('form[data-draft]')) keepDraft(form);
for (const form of document.querySelectorAll('form[method="post"]')) sendOnce(form);
for (const form of document.querySelectorAll('#header-logout-form, #logout-form')) form.addEventListener('submit', drafts.forget);

addEventListener('pageshow', (event) => {
  if (event.persisted) for (const form of document.querySelectorAll('form[method="post"]')) setSending(form, false);
});

document.querySelector('.error-summary')?.focus();
