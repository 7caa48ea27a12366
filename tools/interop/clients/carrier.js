// A carrier nobody here wrote: the npm package "smpp" as an SMSC. NODE_PATH finds the package.
//
//   node carrier.js PORT
//
// Prints "listening on PORT", then a line of JSON for each submit_sm. Each gets an id, a receipt (every third one before
// its submit_sm_resp, as carriers do), and, when its text begins with "MO ", a message from that handset to the short
// code that follows.
'use strict';
const smpp = require('smpp');

const receivers = [];
let number = 0;

function receiptText(id, state) {
  const date = new Date().toISOString().replace(/[-T:]/g, '').slice(2, 12);
  return `id:${id} sub:001 dlvrd:001 submit date:${date} done date:${date} stat:${state} err:000 text:`;
}

function deliverReceipt(pdu, id) {
  if (!(pdu.registered_delivery & 1) || !receivers.length) return;
  const session = receivers[number % receivers.length];
  session.deliver_sm({
    source_addr: pdu.destination_addr, source_addr_ton: pdu.dest_addr_ton, source_addr_npi: pdu.dest_addr_npi,
    destination_addr: pdu.source_addr, dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi,
    esm_class: 4, short_message: Buffer.from(receiptText(id, 'DELIVRD')),
    receipted_message_id: id, message_state: 2,
  });
}

function deliverMo(pdu, text) {
  if (!text.startsWith('MO ') || !receivers.length) return;
  receivers[0].deliver_sm({
    source_addr: pdu.destination_addr, source_addr_ton: 1, source_addr_npi: 1,
    destination_addr: text.slice(3), short_message: 'Xin chào từ điện thoại 😀',
  });
}

// The package decodes by data_coding and takes a user data header apart into its elements.
function read(value) {
  if (!value) return null;
  const { udh, message } = value.message === undefined ? { message: value } : value;
  return {
    udh: udh ? Buffer.concat(udh).toString('hex') : null,
    text: Buffer.isBuffer(message) ? message.toString('latin1') : message,
  };
}

const server = smpp.createServer((session) => {
  for (const bind of ['bind_transceiver', 'bind_receiver', 'bind_transmitter']) {
    session.on(bind, (pdu) => {
      if (pdu.password !== 'carrier') {
        session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
        return;
      }
      session.send(pdu.response({ system_id: 'npm-smpp' }));
      if (bind !== 'bind_transmitter') receivers.push(session);
    });
  }
  session.on('submit_sm', (pdu) => {
    number += 1;
    const id = `npm-${number.toString(16).padStart(8, '0')}`;
    const payload = read(pdu.message_payload);
    const { udh, text } = payload || read(pdu.short_message) || { udh: null, text: '' };
    console.log(JSON.stringify({
      id, source_addr: pdu.source_addr, destination_addr: pdu.destination_addr, data_coding: pdu.data_coding,
      esm_class: pdu.esm_class, registered_delivery: pdu.registered_delivery, is_payload: Boolean(payload), udh, text,
      sar: pdu.sar_msg_ref_num === undefined ? null
        : [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum],
    }));
    const answer = () => session.send(pdu.response({ message_id: id }));
    if (number % 3) { answer(); deliverReceipt(pdu, id); } else { deliverReceipt(pdu, id); setTimeout(answer, 20); }
    if (!udh) deliverMo(pdu, text);
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('close', () => { const at = receivers.indexOf(session); if (at >= 0) receivers.splice(at, 1); });
  session.on('error', () => session.destroy());
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
