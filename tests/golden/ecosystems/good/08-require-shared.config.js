const shared = require('./shared.js');
module.exports = { apps: [{ ...shared.defaults, name: 'one', script: 'app.js' }, { ...shared.defaults, name: 'two', script: 'server.js', kill_timeout: 100 }] };
