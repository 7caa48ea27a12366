// The npm package "smpp" as an ESME. NODE_PATH finds the package; the plan is the first argument (see plan.py).
'use strict';
const smpp = require('smpp');

const plan = JSON.parse(process.argv[2]);
const receipts = new Map(); // message_id → deliver_sm
const mos = [];

function report(check, ok, detail) { console.log(JSON.stringify({ check, ok, detail: String(detail || '') })); }
function fail(text) { throw new Error(text); }
function name(status) { return `0x${status.toString(16)}`; }

async function check(name, work) {
  try { report(name, true, await work()); } catch (error) { report(name, false, error.message); }
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} in time`)), plan.patience_s * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function ask(session, command, options) {
  return within(new Promise((resolve) => session[command](options || {}, resolve)), `${command}_resp`);
}

function connect() {
  const session = smpp.connect({ host: plan.host, port: plan.port });
  session.on('error', () => {});
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => session.send(pdu.response()));
  session.on('deliver_sm', (pdu) => {
    session.send(pdu.response());
    if (pdu.esm_class & 0x3c) receipts.set(String(pdu.receipted_message_id), pdu); else mos.push(pdu);
  });
  return within(new Promise((resolve) => session.on('connect', () => resolve(session))), 'connection');
}

async function bind(command, password) {
  const session = await connect();
  const answer = await ask(session, command, { system_id: plan.system_id, password: password || plan.password });
  return { session, answer };
}

async function bindAndUnbind(command) {
  const { session, answer } = await bind(command);
  if (answer.command_status) fail(name(answer.command_status));
  await unbind(session);
  return answer.system_id;
}

async function unbind(session) {
  const closed = new Promise((resolve) => session.on('close', resolve));
  const answer = await ask(session, 'unbind');
  if (answer.command_status) fail(name(answer.command_status));
  await within(closed, 'end of the connection');
}

async function until(condition, what) {
  const deadline = Date.now() + plan.patience_s * 1000;
  while (!condition()) {
    if (Date.now() > deadline) fail(`no ${what} in time`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function submit(session, options) {
  const answer = await ask(session, 'submit_sm', {
    source_addr: 'ACME', source_addr_ton: 5, dest_addr_ton: 1, dest_addr_npi: 1, registered_delivery: 1, ...options,
  });
  if (answer.command_status) fail(name(answer.command_status));
  if (!answer.message_id) fail('no message_id');
  return answer.message_id;
}

async function send(session, options) {
  const id = await submit(session, options);
  await until(() => receipts.has(id), 'receipt');
  return id;
}

function checkReceipt(id) {
  const receipt = receipts.get(id);
  const text = receipt.short_message.message;
  if (!text.includes(`id:${id} `)) fail(`the text names ${text}`);
  if (!text.includes('stat:DELIVRD') || receipt.message_state !== 2) fail(text);
  return text;
}

function pieces(text, characters) {
  const all = [];
  for (let at = 0; at < text.length; at += characters) all.push(text.slice(at, at + characters));
  return all;
}

async function main() {
  for (const kind of ['transmitter', 'receiver', 'transceiver']) {
    await check(`bind_${kind}`, () => bindAndUnbind(`bind_${kind}`));
  }
  await check('wrong_password', async () => {
    const { session, answer } = await bind('bind_transceiver', 'wrong');
    session.destroy();
    return answer.command_status ? name(answer.command_status) : fail('bound');
  });
  const { session } = await bind('bind_transceiver');
  await check('enquire_link', async () => {
    const answer = await ask(session, 'enquire_link');
    if (answer.command_status) fail(name(answer.command_status));
  });
  const { to, texts } = plan;
  for (const kind of ['plain', 'vietnamese', 'chinese', 'emoji']) {
    await check(kind, () => send(session, { destination_addr: to[kind], short_message: texts[kind] }));
  }
  await check('long_udh', async () => {
    const parts = pieces(texts.long, 67);
    for (const [index, message] of parts.entries()) {
      const udh = Buffer.from([5, 0, 3, 77, parts.length, index + 1]);
      await submit(session, { destination_addr: to.long_udh, short_message: { udh, message }, data_coding: 8 });
    }
  });
  await check('long_sar', async () => {
    const parts = pieces(texts.long, 67);
    for (const [index, message] of parts.entries()) {
      await submit(session, {
        destination_addr: to.long_sar, short_message: message, data_coding: 8,
        sar_msg_ref_num: 78, sar_total_segments: parts.length, sar_segment_seqnum: index + 1,
      });
    }
  });
  await check('long_payload', () => send(session, {
    destination_addr: to.long_payload, data_coding: 8, message_payload: texts.long,
  }));
  let id;
  await check('receipt', async () => {
    id = await send(session, { destination_addr: to.receipt, short_message: texts.plain });
    return checkReceipt(id);
  });
  await check('query', async () => {
    const answer = await ask(session, 'query_sm', { message_id: id, source_addr: 'ACME', source_addr_ton: 5 });
    if (answer.command_status || answer.message_state !== 2) fail(JSON.stringify(answer));
  });
  await check('cancel', async () => {
    const scheduled = await submit(session, {
      destination_addr: to.cancel, short_message: texts.plain, schedule_delivery_time: '000000010000000R',
    });
    const from = { message_id: scheduled, source_addr: 'ACME', source_addr_ton: 5 };
    const answer = await ask(session, 'cancel_sm', { ...from, destination_addr: to.cancel, dest_addr_ton: 1, dest_addr_npi: 1 });
    if (answer.command_status) fail(name(answer.command_status));
    const state = await ask(session, 'query_sm', from);
    if (state.message_state !== 4) fail(`message_state ${state.message_state} after it`);
  });
  await check('replace', async () => {
    const scheduled = await submit(session, {
      destination_addr: to.replace, short_message: 'to be replaced', schedule_delivery_time: '000000000002000R',
    });
    const answer = await ask(session, 'replace_sm', {
      message_id: scheduled, source_addr: 'ACME', source_addr_ton: 5, registered_delivery: 1, short_message: texts.plain,
    });
    if (answer.command_status) fail(name(answer.command_status));
    await until(() => receipts.has(scheduled), 'receipt');
  });
  await check('submit_multi', async () => {
    const numbers = [to.submit_multi, to['submit_multi, second']];
    const answer = await ask(session, 'submit_multi', {
      source_addr: 'ACME', source_addr_ton: 5, short_message: texts.plain,
      dest_address: [...numbers, '12'].map((number) => (
        { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: number })),
    });
    if (answer.command_status) fail(name(answer.command_status));
    const refused = answer.unsuccess_sme.map((sme) => sme.destination_addr);
    if (refused.length !== 1 || refused[0] !== '12') fail(JSON.stringify(answer.unsuccess_sme));
  });
  await check('data_sm', async () => {
    const answer = await ask(session, 'data_sm', {
      source_addr: 'ACME', source_addr_ton: 5, destination_addr: to.data_sm, dest_addr_ton: 1, dest_addr_npi: 1,
      registered_delivery: 1, message_payload: texts.plain,
    });
    if (answer.command_status) fail(name(answer.command_status));
    await until(() => receipts.has(answer.message_id), 'receipt');
  });
  if (!plan.short_code) report('mo', null, 'this carrier has no handsets');
  else await check('mo', async () => {
    await submit(session, { destination_addr: to.mo, short_message: `MO ${plan.short_code}` });
    await until(() => mos.length, 'MO');
    const { message } = mos[0].short_message;
    if (mos[0].source_addr !== to.mo || message !== texts.mo) fail(JSON.stringify(mos[0]));
    return message;
  });
  await check('unbind', () => unbind(session));
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
