// The page inside Teams, Outlook and Microsoft 365: tells the host that it is there, and lets the host open the link, as
// its windows know where. Outside of a host, or without script, the link opens by itself.
import { app } from "@microsoft/teams-js";

const link = document.getElementById("open-tandem");

try {
  await app.initialize();
  app.notifySuccess();
  link.addEventListener("click", (event) => {
    event.preventDefault();
    app.openLink(link.href).catch(() => window.open(link.href, "_blank", "noopener"));
  });
} catch {
  // No host answers: this is a page like any other.
}
