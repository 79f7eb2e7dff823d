// An empty time zone is filled with the reader's own.
const zone = document.querySelector("[data-own-zone]");
if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
