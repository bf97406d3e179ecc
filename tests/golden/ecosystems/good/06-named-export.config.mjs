export const apps = [{ name: 'named', script: 'worker.py', interpreter: 'python3', interpreter_args: '-u' }];
