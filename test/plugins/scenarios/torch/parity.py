"""The torch side of parity.test.ts: reads one JSON object, answers one.

GAE is written out here once more, without the code that it is to test.
"""

import json
import sys

import torch
from torch import nn
from torch_ppo_update import advantages_of, update


def stack(layers):
    made = []
    for i, one in enumerate(layers):
        weight = torch.tensor(one["weights"])
        layer = nn.Linear(weight.shape[0], weight.shape[1])
        layer.weight.data = weight.T.contiguous()
        layer.bias.data = torch.tensor(one["bias"])
        made += [layer] if i == len(layers) - 1 else [layer, nn.Tanh()]
    return nn.Sequential(*made)


def layers_of(network):
    return [{"weights": one.weight.T.tolist(), "bias": one.bias.tolist()}
            for one in network if isinstance(one, nn.Linear)]


def generalised(rewards, values, ends, bootstraps, last, gamma, lam):
    """The sum of its definition, for one environment."""
    following = [*values[1:], last]
    deltas = [rewards[t] + bootstraps[t] + gamma * following[t] * (1 - ends[t]) - values[t]
              for t in range(len(rewards))]
    found = []
    for t in range(len(rewards)):
        total, weight = 0.0, 1.0
        for k in range(t, len(rewards)):
            total += weight * deltas[k]
            if ends[k]:
                break
            weight *= gamma * lam
        found.append(total)
    return found


def adam(start, gradients, rate, most):
    parameter = nn.Parameter(torch.tensor(start))
    optimiser = torch.optim.Adam([parameter], rate, eps=1e-5)
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        nn.utils.clip_grad_norm_([parameter], most)
        optimiser.step()
    return parameter.tolist()


def main():
    asked = json.load(sys.stdin)
    ppo = asked["ppo"]
    batch = {name: torch.tensor(one, dtype=torch.float32)
             for name, one in asked["batch"].items() if one is not None}
    batch["actions"] = batch["actions"].long()
    policy, value = stack(asked["policy"]), stack(asked["value"])
    optimiser = torch.optim.Adam(
        [*policy.parameters(), *value.parameters()], asked["rate"], eps=1e-5)
    advantages = advantages_of(batch, ppo["gamma"], ppo["lambda"])[0]
    columns = [generalised(*(batch[name][:, i].tolist() for name in (
        "rewards", "values", "ends", "bootstraps")), batch["last_values"][i].item(),
        ppo["gamma"], ppo["lambda"]) for i in range(advantages.shape[1])]
    orders = [torch.tensor(order) for order in asked["orders"]]
    figures = update(policy, value, optimiser, batch, ppo, orders)
    print(json.dumps({
        "policy": layers_of(policy), "value": layers_of(value), "figures": figures,
        "advantages": advantages.tolist(), "defined": torch.tensor(columns).T.tolist(),
        "adam": adam(**asked["adam"]),
    }))


main()
