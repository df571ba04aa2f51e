// The pages whose code is fetched together when the first of them is opened.

export { Account } from "./account";
export { AddMailbox, EditMailbox } from "./add_mailbox";
export { AddMany } from "./add_many";
export { Channels } from "./channels";
export { Customers } from "./customers";
export { IncidentPage } from "./incident";
export { Incidents } from "./incidents";
export { Invitation } from "./invitation";
export { Maintenance } from "./maintenance";
export { People } from "./people";
export { SetUp } from "./set_up";
export { System } from "./system";
