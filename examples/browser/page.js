// Reads a topic as server-sent events, and appends to it. EventSource comes back by itself when its connection is cut,
// and sends the id of the last event that it had: it misses nothing, and is told nothing twice.
//
//   ?server=http://127.0.0.1:8080   &topic=browser   &partition=0 (all of them, if left out)

const given = new URLSearchParams(location.search);
const server = given.get('server') ?? 'http://127.0.0.1:8080';
const topic = given.get('topic') ?? 'browser';
const partition = given.get('partition');
const records = `${server}/v1/topics/${encodeURIComponent(topic)}${partition === null ? '' : `/partitions/${partition}`}/records`;

const element = (id) => document.getElementById(id);
element('server').textContent = server;
element('topic').textContent = topic;

const againMs = 1000;
let lastEventId = '';
connect();

function connect() {
  // Where the last event that was shown ended; its id is an offset, or a cursor over all partitions.
  const from = lastEventId === '' ? 'from=earliest' : `${partition === null ? 'cursor' : 'offset'}=${encodeURIComponent(lastEventId)}`;
  const source = new EventSource(`${records}?${from}`);
  source.onopen = () => (element('status').textContent = 'connected');
  source.onmessage = (event) => {
    for (const { partition, offset, value } of JSON.parse(event.data).records) {
      const line = document.createElement('li');
      line.dataset.place = `${partition}/${offset}`;
      line.textContent = JSON.stringify(value);
      element('records').append(line);
    }
    lastEventId = event.lastEventId;
  };
  source.onerror = () => {
    element('status').textContent = 'coming back';
    // After what was no stream (no such topic, say, or an answer cut off in its headers) EventSource gives up.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, againMs);
  };
  // An error that ended the stream, as the problem document that a request would have had.
  source.addEventListener('problem', ({ data }) => (element('status').textContent = JSON.parse(data).detail));
}

element('produce').addEventListener('submit', async (event) => {
  event.preventDefault();
  const answer = await append(element('value').value);
  element('answer').textContent = answer.detail ?? `stands at offset ${answer.results[0].baseOffset} of partition ${answer.results[0].partition}`;
  element('value').value = '';
});

async function append(value) {
  const response = await fetch(records, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ records: [{ value }] }) });
  return response.json();
}
