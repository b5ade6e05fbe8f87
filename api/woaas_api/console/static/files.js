/** Files of an order: sent and fetched as the API has them, since a form would hold all of a file in the page's memory. */
const CONSOLE = { "Woaas-Console": "1" };

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-upload]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  const fault = form.querySelector("[role=alert]");
  const file = form.elements.file.files[0];
  const said = new URLSearchParams({
    subject: form.elements.subject.value,
    name: file.name,
    access_class: form.elements.access_class.value,
  });
  fault.hidden = true;
  button.disabled = true;
  try {
    const headers = { ...CONSOLE, "Content-Type": file.type || "application/octet-stream" };
    const answer = await fetch(`${form.dataset.upload}?${said}`, { method: "POST", headers, body: file });
    if (answer.ok) return location.reload();
    fault.textContent = (await answer.json()).detail;
  } catch (error) {
    fault.textContent = String(error.message);
  } finally {
    button.disabled = false;
  }
  fault.hidden = false;
});

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-download]");
  if (!link) return;
  event.preventDefault();
  const answer = await fetch(link.href, { headers: CONSOLE });
  if (!answer.ok) return location.reload();
  const saved = document.createElement("a");
  saved.href = URL.createObjectURL(await answer.blob());
  saved.download = link.dataset.download;
  saved.click();
  setTimeout(() => URL.revokeObjectURL(saved.href), 60_000);
});
