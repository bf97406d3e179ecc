// A small HTTP server that ends cleanly: on SIGTERM it stops listening, finishes open requests and exits 0.
'use strict';
const http = require('node:http');

const port = Number(process.env.PORT || 8088);
const server = http.createServer((request, response) => {
  response.setHeader('content-type', 'text/plain');
  response.end(`hello from ${process.pid}\n`);
});

server.on('error', (error) => {
  console.error(`cannot listen on ${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}/`));

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    console.log(`${signal}: closing`);
    server.close(() => process.exit(0));
    server.closeIdleConnections?.();
  });
}
