// Every page: where it is, and who shows it. A new one is a file beside this and a line here; the gateway learns its
// address from the same line.

import type { ComponentType } from "preact";
import { laterPage } from "../parts/later_page";
import { mayRule, mayWrite } from "../session";
import { MonitorPage } from "./monitor";
import { Monitors } from "./monitors";

export interface Page {
  /** Words and `:values`, which become the component's properties. */
  path: string;
  title: string;
  // What a component takes is checked where it is written: the router hands over the values of its own path.
  component: ComponentType<any>;
  /** Its name in the menu, where it has a place there. */
  menu?: string;
  /** Who finds it in the menu; everybody, where nothing is said. */
  isFor?: () => boolean;
  /** Shown to people who are not signed in. */
  open?: boolean;
}

export const pages: readonly Page[] = [
  { path: "/", title: "Monitors", component: Monitors, menu: "Monitors" },
  { path: "/add", title: "Add a mailbox", component: laterPage("AddMailbox"), menu: "Add a mailbox", isFor: mayWrite },
  { path: "/monitors/:id", title: "Monitor", component: MonitorPage },
  { path: "/monitors/:id/edit", title: "Change a monitor", component: laterPage("EditMailbox") },
  { path: "/add/many", title: "Add many mailboxes", component: laterPage("AddMany") },
  { path: "/incidents", title: "Incidents", component: laterPage("Incidents"), menu: "Incidents" },
  { path: "/incidents/:id", title: "Incident", component: laterPage("IncidentPage") },
  { path: "/maintenance", title: "Maintenance", component: laterPage("Maintenance"), menu: "Maintenance" },
  { path: "/channels", title: "Channels", component: laterPage("Channels"), menu: "Channels" },
  { path: "/customers", title: "Customers", component: laterPage("Customers"), menu: "Customers" },
  { path: "/people", title: "People and tokens", component: laterPage("People"), menu: "People", isFor: mayRule },
  { path: "/system", title: "System", component: laterPage("System"), menu: "System" },
  { path: "/account", title: "Account", component: laterPage("Account") },
  { path: "/set-up", title: "Set up", component: laterPage("SetUp"), open: true },
  { path: "/invitation", title: "Invitation", component: laterPage("Invitation"), open: true },
];
