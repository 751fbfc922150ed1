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

// A page that is meant for paper goes to the printer at a press.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-prints]")) {
    window.print();
  }
});
