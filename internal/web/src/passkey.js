// Buttons for passkeys. The server says what to ask the browser for (data-options) and judges the answer (data-finish);
// the fields of a form go with both. Where there are no passkeys the button stays hidden.
const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  buffer && btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// Told is what the server has said in words for people.
class Told extends Error {}

async function post(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Told(json.message ?? "");
  return json;
}

function options({ publicKey }) {
  const described = (list) => list?.map((c) => ({ ...c, id: toBytes(c.id) }));
  return {
    ...publicKey,
    challenge: toBytes(publicKey.challenge),
    ...(publicKey.user && { user: { ...publicKey.user, id: toBytes(publicKey.user.id) } }),
    ...(publicKey.excludeCredentials && { excludeCredentials: described(publicKey.excludeCredentials) }),
    ...(publicKey.allowCredentials && { allowCredentials: described(publicKey.allowCredentials) }),
  };
}

function plain({ id, rawId, type, authenticatorAttachment, response }) {
  const { clientDataJSON, attestationObject, authenticatorData, signature, userHandle } = response;
  return {
    id,
    rawId: toText(rawId),
    type,
    authenticatorAttachment: authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response: attestationObject
      ? { clientDataJSON: toText(clientDataJSON), attestationObject: toText(attestationObject), transports: response.getTransports?.() ?? [] }
      : {
          clientDataJSON: toText(clientDataJSON),
          authenticatorData: toText(authenticatorData),
          signature: toText(signature),
          userHandle: toText(userHandle) ?? undefined,
        },
  };
}

async function ask(box) {
  const { passkey, options: from, finish, form } = box.dataset;
  const fields = Object.fromEntries(new FormData(document.getElementById(form)));
  delete fields.password; // a passkey needs none
  const publicKey = options(await post(from, { fields }));
  const credential = await navigator.credentials[passkey]({ publicKey });
  const { next } = await post(finish, { fields, credential: plain(credential) });
  const target = new URL(next, location);
  location.assign(target);
  if (target.pathname === location.pathname) location.reload(); // a mere #part would not ask for the page anew
}

function sentence(box, error) {
  if (error instanceof Told) return error.message || box.dataset.failed;
  if (error?.name === "NotAllowedError" || error?.name === "AbortError") return box.dataset.cancelled;
  if (error?.name === "InvalidStateError") return box.dataset.known;
  return box.dataset.failed;
}

for (const box of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const button = box.querySelector("button");
  const said = box.querySelector(".error");
  box.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.hidden = true;
    try {
      await ask(box);
    } catch (error) {
      said.textContent = sentence(box, error);
      said.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
