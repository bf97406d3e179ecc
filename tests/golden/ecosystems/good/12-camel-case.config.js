module.exports = { apps: [{ name: 'camel', script: 'app.js', killTimeout: '4s', maxRestarts: 7, restartDelay: 250, minUptime: '10s', outFile: 'o.log', errorFile: 'NULL' }] };
