// The phone on the screen: the newest message stays in sight, and the reader may still look back.
const screen = () => document.getElementById("phone");
let atEnd = true;

function follow() {
  if (atEnd && screen()) screen().scrollTop = screen().scrollHeight;
}

document.addEventListener("scroll", (event) => {
  if (event.target === screen()) atEnd = screen().scrollHeight - screen().scrollTop - screen().clientHeight < 60;
}, true);
document.addEventListener("submit", () => { atEnd = true; });
document.addEventListener("swapped", follow);
follow();
