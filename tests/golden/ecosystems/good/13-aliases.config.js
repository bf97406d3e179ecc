module.exports = { apps: [{ name: 'alias', exec: 'app.js', output: 'a.log', err: 'b.log', uid: 'root', gid: 'root', exec_interpreter: 'node' }] };
