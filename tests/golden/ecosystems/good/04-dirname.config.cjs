const path = require('path');
module.exports = {
  apps: [{
    name: 'main',
    script: path.join(__dirname, 'dist', 'main.js'),
    cwd: __dirname,
    out_file: path.resolve(__dirname, 'logs/out.log'),
    error_file: path.resolve(__dirname, 'logs/err.log'),
  }],
};
