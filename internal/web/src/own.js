// Small helps of sign-in and invitations: a password can be looked at, and the time zone fills itself in.
for (const button of document.querySelectorAll("[data-show]")) {
  const input = document.getElementById(button.dataset.show);
  const words = [button.textContent, button.dataset.hide];
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = input.type === "password";
    input.type = open ? "text" : "password";
    button.textContent = words[open ? 1 : 0];
    button.setAttribute("aria-pressed", String(open));
    input.focus();
  });
  // Sent as what it is, so that password managers know it.
  input.form?.addEventListener("submit", () => (input.type = "password"));
}
for (const input of document.querySelectorAll("input[data-zone]")) {
  input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
