// What the console needs beside htmx and Tabler.
document.addEventListener("alpine:init", () => {
  // A text to copy, and a word that says it was.
  window.Alpine.data("copier", () => ({
    copied: false,
    async copy() {
      const source = this.$refs.text;
      await navigator.clipboard.writeText(source.value);
      source.select();
      this.copied = true;
      window.setTimeout(() => {
        this.copied = false;
      }, 2000);
    },
  }));
  // A secret that is kept unless its owner asks to write another.
  window.Alpine.data("keeper", () => ({
    kept: true,
    replace() {
      this.kept = false;
      this.$nextTick(() => this.$refs.input.focus());
    },
  }));
});

// A list that chooses a page goes there at once; without script its button does.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-goes]")) {
    event.target.form.requestSubmit();
  }
});

// A sheet to print is printed by its button.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-prints]")) {
    window.print();
  }
});

// On a phone the tabs are wider than the window: the chosen one is brought into view.
document.addEventListener("DOMContentLoaded", () => {
  const chosen = document.querySelector(".tabs a[aria-current]");
  chosen?.scrollIntoView({ block: "nearest", inline: "center" });
});

// Forms whose fields depend on each other: a button that adds or takes a row, and a choice that
// changes which fields there are, send the whole form and put what comes back in its place.
// Without script the buttons send the form as any other.
// What was typed in a long form outlives a session that has ended and a hub that is away: before it
// is sent the form's own page, at the same address, is asked for; it has the token of a session that
// was begun elsewhere since.
const tell = (form, trouble) => {
  document.getElementById("unsent")?.remove();
  const told = document.querySelector(`template[data-unsent="${trouble}"]`);
  if (told) {
    const box = told.content.firstElementChild.cloneNode(true);
    box.id = "unsent";
    form.before(box);
    box.scrollIntoView({ block: "center" });
  }
};
const canBeSent = async (form) => {
  let trouble = "away";
  try {
    const answer = await fetch(form.action);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector("main [name=csrf_token]");
    if (answer.redirected) {
      trouble = "gone";
    } else if (answer.ok && token) {
      form.elements.csrf_token.value = token.value;
      trouble = "";
    }
  } catch {
    // Nobody answers.
  }
  tell(form, trouble);
  return trouble === "";
};
const redraw = async (form, act) => {
  if (!(await canBeSent(form))) {
    return;
  }
  const at = document.activeElement?.id;
  await window.htmx.ajax("POST", form.dataset.redraw, {
    source: form,
    target: form,
    swap: "outerHTML",
    values: { act },
  });
  if (at) {
    document.getElementById(at)?.focus({ preventScroll: true });
  }
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("form[data-redraw] button[data-act]");
  if (button) {
    event.preventDefault();
    redraw(button.form, button.value);
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("form[data-redraw] select[data-redraws]")) {
    redraw(event.target.form, "show");
  }
});
document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement.matches("form[data-redraw]")) {
    ctx.swap = "none";
    tell(ctx.sourceElement, "away");
  }
});
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-redraw], form[data-keeps]") || form.dataset.asked === "yes") {
    return;
  }
  event.preventDefault();
  if (form.dataset.asked !== "now") {
    form.dataset.asked = "now";
    const sends = await canBeSent(form);
    form.dataset.asked = sends ? "yes" : "";
    if (sends) {
      form.requestSubmit(event.submitter);
    }
  }
});
