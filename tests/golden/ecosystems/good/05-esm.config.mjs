import os from 'node:os';
export default {
  apps: [{ name: 'esm', script: 'app.js', env: { EOL: JSON.stringify(os.EOL) } }],
};
