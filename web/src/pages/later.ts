// The pages whose code is fetched together when the first of them is opened.

export { Account } from "./account";
export { AddMany } from "./add_many";
export { Channels } from "./channels";
export { Customers } from "./customers";
export { IncidentPage } from "./incident";
export { Incidents } from "./incidents";
export { Maintenance } from "./maintenance";
export { People } from "./people";
export { System } from "./system";
