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
const redraw = async (form, act) => {
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
