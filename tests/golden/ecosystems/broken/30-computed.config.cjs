module.exports = { apps: [{ name: 'a', script: 'app.js', kill_timeout: { s: 1 }, watchdgo: 1 }] };
