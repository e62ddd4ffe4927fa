// Shows the search field and hides what does not hold every word that is typed.
const field = document.querySelector(".search input");
const items = [...document.querySelectorAll("#found li")];
if (field) {
  field.parentElement.hidden = false;
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items) {
      item.hidden = !words.every((word) => item.dataset.words.includes(word));
    }
  };
  field.addEventListener("input", show);
  show();
}
