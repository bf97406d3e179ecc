// PORT from the environment (0: any); appends "PID PORT" to the file in argv[2].
'use strict';
const fs = require('node:fs');
const http = require('node:http');

const server = http.createServer((request, response) => {
  const body = `node ${process.pid}\n`;
  response.writeHead(200, {'content-type': 'text/plain', 'content-length': body.length});
  response.end(body);
});
server.keepAliveTimeout = 600000;
server.listen({port: Number(process.env.PORT || 0), host: '127.0.0.1', backlog: 511}, () => {
  fs.appendFileSync(process.argv[2], `${process.pid} ${server.address().port}\n`);
  console.log(`listening on ${server.address().port}`);
});
process.on('SIGTERM', () => server.close(() => process.exit(0)));
