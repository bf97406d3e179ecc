const x = undefined;
module.exports = { apps: [{ name: x.name, script: 'app.js' }] };
