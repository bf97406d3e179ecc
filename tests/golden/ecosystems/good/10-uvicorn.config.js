module.exports = {
  apps: [{
    name: 'fastapi',
    script: 'python3',
    args: '-m uvicorn main:app --host 0.0.0.0 --port 8000 --reload-dir "my app"',
    interpreter: 'none',
    env: { PYTHONPATH: '.' },
  }],
};
