// Buttons that copy the command beside them. Without a clipboard (plain http elsewhere than on localhost) there are none.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll(".curl button")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.nextElementSibling.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }
}
