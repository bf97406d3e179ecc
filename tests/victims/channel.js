// A Node app that says what it is told to over its channel: channel.js MODE [FILE]
const fs = require('fs')
const [mode, file] = process.argv.slice(2)
const note = (text) => file && fs.appendFileSync(file, text + '\n')

if (mode === 'facts') {
  console.log(JSON.stringify({ connected: process.connected, fds: fs.readdirSync('/proc/self/fd').length, env: Object.keys(process.env) }))
} else if (mode === 'ready-after') {
  // Ready when the file appears.
  const look = () => (fs.existsSync(file) ? process.send('ready', () => fs.writeFileSync(file + '.said', '')) : setTimeout(look, 10))
  look()
  setInterval(() => {}, 1000)
} else if (mode === 'never') {
  console.error('still thinking')
  setInterval(() => {}, 1000)
} else if (mode === 'flood') {
  // Everything but a word that matters; then it is ready.
  const line = { type: 'noise', text: 'x'.repeat(1000) }
  let left = 5000
  const more = () => {
    for (let i = 0; i < 100 && left > 0; i++, left--) process.send(left % 500 ? line : 'y'.repeat(200000))
    left > 0 ? setImmediate(more) : process.send('ready')
  }
  more()
  setInterval(() => {}, 1000)
} else if (mode === 'shutdown') {
  process.on('SIGTERM', () => note('SIGTERM'))
  process.on('message', (message) => {
    note('message ' + JSON.stringify(message))
    if (message === 'shutdown') process.exit(0)
  })
  note('listening')
} else if (mode === 'handle') {
  // A message with a descriptor must be acknowledged, or no later one is sent.
  const server = require('net').createServer().listen(0, '127.0.0.1', () => {
    process.send({ take: 'this' }, server)
    process.send('ready')
  })
}
