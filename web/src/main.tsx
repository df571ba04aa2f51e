// Where it begins: the clock, the keys, the address, who is signed in, and the page.

import { render } from "preact";
import { carryAlong } from "./acting";
import { App } from "./app";
import { listenForKeys } from "./parts/keys";
import { startClock } from "./parts/moment";
import { listen } from "./routing";
import { followRefusals } from "./session";
import "./style/theme.css";
import "./style/layout.css";
import "./style/parts.css";
import "./style/tables.css";
import "./style/forms.css";
import "./style/lists.css";
import { useKeptTheme } from "./theme";

carryAlong();
useKeptTheme();
listen();
listenForKeys();
startClock();
followRefusals();
const place = document.getElementById("app");
if (place) render(<App />, place);
