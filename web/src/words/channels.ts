// The fields of each type of channel, as its form shows them. A test holds them against the API's models.

import type { ChannelType } from "../api/organization_types";

/** Its name in the config, its label, and what it is: text where nothing is said, `a|b` a choice. */
export type ChannelField = readonly [name: string, label: string, kind?: string, hint?: string];

const URL_FIELD: ChannelField = ["url", "Address", "", "Begins with https://"];
const REGION: ChannelField = ["region", "Region", "us|eu"];
const HOOK = (hint: string): ChannelField => ["secret", "Webhook address", "secret", hint];

export const CHANNEL_TYPES: Readonly<Record<ChannelType, readonly [words: string, ...ChannelField[]]>> = {
  email: ["E-mail", ["email", "E-mail address"], ["recipients", "More recipients", "list"], ["to", "Whose it is"]],
  webhook: [
    "Webhook",
    URL_FIELD,
    ["secret", "Signing secret", "secret", "Messages are signed with it (Standard Webhooks)."],
    ["previousSecret", "Previous secret", "secret", "While the secret is being changed: signs as well."],
    ["headers", "Headers", "secret map"],
    ["method", "Method", "POST|PUT|PATCH"],
    ["expectedStatusCodes", "Status codes that mean success", "numbers", "Else every 2xx does."],
  ],
  slack: ["Slack", HOOK("Slack: Apps → Incoming Webhooks.")],
  teams: ["Microsoft Teams", HOOK("A workflow “when a Teams webhook request is received”.")],
  discord: ["Discord", HOOK("Discord: Server settings → Integrations → Webhooks.")],
  telegram: ["Telegram", ["botToken", "Bot token", "secret", "From @BotFather."], ["chatId", "Chat"]],
  pagerduty: ["PagerDuty", ["routingKey", "Integration key", "secret", "Of an Events API v2 integration."], REGION],
  opsgenie: ["Opsgenie", ["apiKey", "API key", "secret"], REGION],
  alertmanager: [
    "Alertmanager",
    URL_FIELD,
    ["username", "User"],
    ["password", "Password", "secret"],
    ["bearerToken", "Bearer token", "secret"],
    ["labels", "Labels", "map"],
  ],
  ntfy: ["ntfy", ["topic", "Topic"], ["url", "Address", "", "Else ntfy.sh."], ["token", "Access token", "secret"], ["username", "User"], ["password", "Password", "secret"]],
  pushover: ["Pushover", ["apiToken", "Application token", "secret"], ["userKey", "User key", "secret"]],
  gotify: ["Gotify", URL_FIELD, ["appToken", "Application token", "secret"]],
  matrix: ["Matrix", URL_FIELD, ["roomId", "Room", "", "!room:example.com; the account must be in it."], ["accessToken", "Access token", "secret"]],
};

/** What stands in a field, of a stored config. */
export function fieldText(value: unknown): string {
  if (Array.isArray(value)) return value.join(", ");
  if (value !== null && typeof value === "object") return Object.entries(value).map(([name, text]) => `${name}: ${String(text)}`).join("\n");
  return value === null || value === undefined ? "" : String(value);
}

/** The config the API is sent: what is empty is left out, so that stored secrets stay. */
export function configOf(type: ChannelType, texts: Readonly<Record<string, string>>): Record<string, unknown> {
  const [, ...fields] = CHANNEL_TYPES[type];
  return Object.fromEntries(fields.flatMap(([name, , kind]) => (texts[name]?.trim() ? [[name, valueOf(texts[name].trim(), kind ?? "")]] : [])));
}

function valueOf(text: string, kind: string): unknown {
  const parts = (by: RegExp): string[] => text.split(by).map((part) => part.trim()).filter((part) => part !== "");
  if (kind === "list") return parts(/[,\s]+/);
  if (kind === "numbers") return parts(/[,\s]+/).map((part) => Number(part) || part);
  if (!kind.endsWith("map")) return text;
  return Object.fromEntries(parts(/\n/).map((line) => [line.split(":")[0]?.trim(), line.split(":").slice(1).join(":").trim()]));
}
