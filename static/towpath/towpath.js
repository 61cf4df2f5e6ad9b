// What the pages cannot do without a script: know the browser's time zone, show that a button works, keep hidden pages quiet.
(() => {
  "use strict";

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `timezone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;

  // A form is sent once: its button shows that it works, and a second click does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) return event.preventDefault();
    if (form.method !== "post") return;
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => form.querySelectorAll("button").forEach((each) => { each.disabled = true; })); // after its value was taken
  });

  // Coming back with the browser's back button must not find the buttons dead.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach((each) => { each.disabled = false; each.removeAttribute("aria-busy"); });
    });
  });

  // Nobody looks: do not ask the server.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.hasAttribute("data-poll")) event.preventDefault();
  });

  // On a narrow screen the picture scrolls: begin where the process is.
  const showCurrent = () => document.querySelectorAll(".diagram").forEach((box) => {
    const place = box.querySelector(".failed, .active, .waiting")?.getBoundingClientRect();
    if (place && box.scrollWidth > box.clientWidth) box.scrollLeft += place.left + place.width / 2 - box.getBoundingClientRect().left - box.clientWidth / 2;
  });
  showCurrent();
  document.addEventListener("htmx:oobAfterSwap", showCurrent);

  // Keyboard and screen reader begin at the summary of what is wrong.
  document.querySelector(".alert[tabindex]")?.focus();
})();
