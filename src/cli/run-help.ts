/** The help of `hearth run`. */

export const runHelp = `Run a command on a node, with the files of this folder

  hearth run -- python train.py --epochs 3
  hearth run --gpus 1 --gpu-memory 40G -- python train.py
  hearth run -r requirements.txt --python 3.11 -- python train.py
  hearth run --image pytorch/pytorch --gpus 2 -- torchrun train.py
  hearth run --sandbox bwrap --no-network --memory 8G --timeout 2h -- python generated.py
  hearth run --output 'out/**' --secret HF_TOKEN -- python train.py && hearth pull last
  hearth run --detach --after last -- python evaluate.py

What it prints comes here live; the exit code is the program's own. Ctrl-C asks whether to
cancel it, a second one leaves it running. Files named by .gitignore or .hearthignore stay here.

What it needs
  --gpus N  --gpu-memory 40G  --gpu-model NAME  --cpus 2  --memory 8G  --disk 20G
  --label NAME[=VALUE]      the node must have it; may be repeated
  --image IMAGE             a container image; runs on nodes with Docker
  --requirements, -r FILE   Python packages; the node builds the environment once
  --python 3.11             and this version of Python
  --sandbox LEVEL           none, cgroup, bwrap or docker; refused where that cannot be had
  --no-network

What it gets
  --env, -e NAME[=VALUE]    without a value: the one it has here; may be repeated
  --secret NAME[=VALUE]     the same, but never shown or stored in the clear, masked in logs
  --folder DIR              instead of the working folder
  --no-folder               no files at all

How it runs
  --name NAME  --project NAME|ID  --priority N
  --after ID                once that job has succeeded; may be repeated
  --timeout 2h              ended after that, exit code 124
  --grace 30s               from SIGTERM to SIGKILL
  --retry N                 up to N times more when it fails or its node falls silent
  --output, -o 'out/**'     files to keep; may be repeated. hearth pull brings them here
  --detach, -d              print the id and leave
  --json                    a line of JSON for each thing that happens

HEARTH_URL is the server (http://127.0.0.1:8000), HEARTH_TOKEN the key for it.
`
