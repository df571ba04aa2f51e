// The ways people are told: who is, by what, and whether it works.

import { channels, coverage, customers, tryChannel } from "../api/collections";
import { useLoaded } from "../api/loading";
import type { Channel } from "../api/organization_types";
import { ChannelForm } from "../parts/channel_form";
import { Empty, Listed } from "../parts/listed";
import { Moment } from "../parts/moment";
import { attempt, later, say, sayProblem } from "../parts/notices";
import { Problem } from "../parts/problem";
import { Editor, editAddress } from "../parts/sending";
import { mayWrite } from "../session";
import { CHANNEL_TYPES } from "../words/channels";
import { counted, duration } from "../words/plain";

export function Channels() {
  const loaded = useLoaded(channels.list, []);
  const known = useLoaded(customers.list, []);
  const covered = useLoaded(coverage, []);
  const again = (): void => (loaded.again(), covered.again());
  return (
    <>
      <div class="heading">
        <h1>Channels</h1>
        {mayWrite() && (
          <a class="button primary" href={editAddress("new")}>
            Add a channel
          </a>
        )}
      </div>
      <Problem problem={loaded.problem} again={loaded.again} />
      {covered.value?.nobodyWouldBeTold && (
        <div class="problem" role="status">
          <p>
            <strong>Nobody would be told</strong> of an outage of:
          </p>
          <ul>
            {covered.value.customers.map((customer) => (
              <li key={customer.customerId}>
                {customer.name} ({counted(customer.monitors, "monitor")})
              </li>
            ))}
          </ul>
        </div>
      )}
      {loaded.value?.length === 0 && (
        <Empty title="Nobody is told yet">
          <p>
            A channel is a way to tell somebody: by e-mail, chat, pager, or a webhook of your own. One of the organization is for every customer; a
            customer with channels of its own is told by these instead. Better have one that does not depend on the mail servers you watch.
          </p>
        </Empty>
      )}
      {(loaded.value?.length ?? 0) > 0 && (
        <Listed
          name="Channels"
          items={loaded.value ?? []}
          idOf={(channel) => channel.publicId}
          columns={[
            [
              "Channel",
              (channel) => (
                <>
                  <span class="name">{channel.name}</span>
                  <span class="detail">{CHANNEL_TYPES[channel.type][0]}</span>
                </>
              ),
            ],
            [
              "Tells of",
              (channel) => (
                <>
                  {channel.customerId === null ? "Every customer without its own" : (known.value?.find(({ id }) => id === channel.customerId)?.name ?? `Customer ${channel.customerId}`)}
                  {channel.delaySeconds > 0 && <span class="detail">{duration(channel.delaySeconds * 1000)} after the incident began</span>}
                </>
              ),
            ],
            ["State", (channel) => <StateOf channel={channel} />],
            ["", (channel) => <Actions channel={channel} again={again} />],
          ]}
        />
      )}
      <Editor items={loaded.value} titles={["Add a channel", "Change a channel"]} show={(channel) => <ChannelForm channel={channel} customers={known.value ?? []} done={again} />} />
    </>
  );
}

function StateOf({ channel }: { channel: Channel }) {
  const { health } = channel;
  return (
    <>
      {!channel.isActive ? (
        <span class="standing paused">‖ Switched off</span>
      ) : health.failures > 0 ? (
        <span class="standing down">✕ {counted(health.failures, "failure")} in a row</span>
      ) : health.lastSentAt ? (
        <span class="standing up">✓ Works</span>
      ) : (
        <span class="standing unknown">? Nothing sent yet</span>
      )}
      {health.lastSentAt && (
        <span class="detail">
          last told <Moment at={health.lastSentAt} />
        </span>
      )}
      {health.failures > 0 && health.lastError && <span class="detail">{health.lastError}</span>}
      {channel.warnings.map((warning) => (
        <span key={warning.code} class="detail soon">
          {warning.text}
        </span>
      ))}
    </>
  );
}

function Actions({ channel, again }: { channel: Channel; again: () => void }) {
  if (!mayWrite()) return null;
  const send = async (): Promise<void> => {
    say(`Sending a test to ${channel.name} …`);
    await attempt(async () => {
      const tested = await tryChannel({ channelId: channel.id });
      if (tested.success) say(`${channel.name}: ${tested.message}`);
      else sayProblem(new Error(`${channel.name}: ${tested.error ?? tested.message}`));
    });
    again();
  };
  return (
    <div class="actions">
      <button type="button" onClick={() => void send()}>
        Send a test<span class="unseen"> to {channel.name}</span>
      </button>
      <a class="button" href={editAddress(channel.publicId)}>
        Change<span class="unseen"> {channel.name}</span>
      </a>
      <button type="button" onClick={() => later(`${channel.name} was removed.`, async () => (await channels.remove(channel.publicId), again()), again)}>
        Remove<span class="unseen"> {channel.name}</span>
      </button>
    </div>
  );
}
