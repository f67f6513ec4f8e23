"""The program that reads the configuration files on the host, with supervisor's own reader."""

# Arguments: CONF PID and, of each running program, GROUP:NAME=PID=START. Values of environment variables never leave
# the host, nor do those of options: what supervisor says of a bad one quotes it whole. A file that may not be read is
# skipped by the reader without a word, so it is looked at here.
READER = r"""
import json, os, re, shlex, sys
def out(**line): print(json.dumps(line))
def bytes_of(path):
    try:
        with open(path, 'rb') as file: return file.read()
    except OSError: return None
def pairs(data):
    return dict(word.decode('utf-8', 'replace').split('=', 1) for word in data.split(b'\0') if b'=' in word)
conf, pid, runs = sys.argv[1], sys.argv[2], sys.argv[3:]
own = bytes_of('/proc/%s/environ' % pid)
if own is not None: os.environ.update(pairs(own))
from supervisor.options import ServerOptions
options = ServerOptions()
def wrong(why): raise ValueError(why)
options.usage = wrong
def unquoted(error):
    why = str(error)
    option = re.search(r"(?s).* for '([^'\s]{1,200})' (is badly formatted|contains names) ?[(:]", why)
    section = re.search(r" in section '([^'\s]{1,200})' \(file: '([^'\s]{1,300})'\)\Z", why)
    lines = re.findall(r'(?m)^\s*\[line +(\d{1,9})\]:|, line:? +(\d{1,9})$', why)
    bare = re.match(r'program section (\S{1,200}) does not specify a command( in section |\Z)', why)
    words = type(error).__name__ + ': something in it is not taken'
    if option: words = option.group(1) + ' ' + option.group(2).replace('names', 'names that cannot be expanded')
    elif bare: words = 'program section %s does not specify a command' % bare.group(1)
    elif lines: words = 'it is badly formatted in line ' + ''.join(lines[0])
    return words + (' in section %s of %s' % section.groups() if section else '')
try: options.realize(args=['-c', conf])
except Exception as error:
    why = str(error)
    if own is None and 'ENV_' in why: out(bad='it uses variables of the environment that only root sees of supervisord')
    else: out(bad=unquoted(error)[:300], broken=True)
    sys.exit()
files = [conf] + [info.split('"')[1] for info in options.parse_infos if info.startswith('Included')]
where = {}
for file in files:
    text = bytes_of(file)
    if text is None:
        out(bad='may not read ' + file); sys.exit()
    if own is None and b'%(ENV_' in text:
        out(bad='it uses variables of the environment that only root sees of supervisord'); sys.exit()
    sections = r'(?m)^\[(?:program|group|eventlistener|fcgi-program):([^\n]+)\]'
    for name in re.findall(sections, text.decode('utf-8', 'replace')): where[name.strip()] = file
out(files=files, log=options.logfile)
def plain(value):
    if callable(value): return 'auto'
    if value is None: return 'none'
    if isinstance(value, (bool, str)): return value
    if isinstance(value, (list, tuple)): return [plain(each) for each in value]
    try: return int(value)
    except (TypeError, ValueError): return str(value)
FIELDS = ('autostart directory uid command exitcodes killasgroup redirect_stderr startretries startsecs stdout_logfile '
  'stdout_logfile_backups stdout_logfile_maxbytes stderr_logfile stderr_logfile_backups stderr_logfile_maxbytes '
  'stopsignal stopwaitsecs').split()
running = dict((run.rsplit('=', 2)[0], run.rsplit('=', 2)[1:]) for run in runs if run.count('=') >= 2)
def differs(config, file, process, start):
    if os.path.getmtime(file) <= float(start) + 1: return []
    found = []
    seen = bytes_of('/proc/%s/environ' % process)
    if seen:
        seen = pairs(seen)
        found += sorted(key for key, value in (config.environment or {}).items() if seen.get(key) != value)
    shown = (bytes_of('/proc/%s/cmdline' % process) or b'').decode('utf-8', 'replace').split('\0')[:-1]
    wanted = shlex.split(config.command)
    name, names = os.path.basename(wanted[0]), [os.path.basename(word) for word in shown[:2]]
    # Only of a process that still has the title with which it was started.
    if name in names and shown[1 + names.index(name):] != wanted[1:]: found.append('command')
    return found
for group in options.process_group_configs:
    for config in group.process_configs:
        name = group.name + ':' + config.name
        file = where.get(config.name) or where.get(group.name) or next(
            (found for key, found in sorted(where.items(), reverse=True) if config.name.startswith(key)), conf)
        again = getattr(getattr(config, 'autorestart', None), '__name__', '')
        try: changed = differs(config, file, *running[name]) if name in running else []
        except Exception: changed = []
        out(group=group.name, name=config.name, file=file, changed=changed,
            again={'RestartUnconditionally': 'always', 'RestartWhenExitUnexpected': 'on-failure'}.get(again, 'no'),
            fields=dict((key, plain(getattr(config, key))) for key in FIELDS if hasattr(config, key)))
"""
