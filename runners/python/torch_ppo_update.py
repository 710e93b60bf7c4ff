"""Proximal policy optimisation (Schulman et al. 2017) by torch: networks and one update.

What plugins/scenarios/learning does, number by number: from the same weights and the same batch
both come to the same weights. Shapes: T steps of N environments, B = T * N rows step by step.
"""

import torch
from torch import nn


def network(inputs, hidden, outputs, gain, generator):
    """tanh inside, linear at the end; orthogonal, sqrt(2) inside and `gain` at the end."""
    sizes = [inputs, *hidden, outputs]
    layers = []
    for i, (before, after) in enumerate(zip(sizes, sizes[1:])):
        is_last = i == len(sizes) - 2
        layer = nn.Linear(before, after)
        nn.init.orthogonal_(layer.weight, gain if is_last else 2 ** 0.5, generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer] if is_last else [layer, nn.Tanh()]
    return nn.Sequential(*layers)


def log_softmax(logits, masks):
    """Of what is possible; 0 where it is not, whose probability is 0 in `probabilities`."""
    if masks is None:
        log_p = logits.log_softmax(-1)
        return log_p, log_p.exp()
    log_p = logits.masked_fill(masks == 0, float("-inf")).log_softmax(-1)
    return log_p.masked_fill(masks == 0, 0.0), log_p.exp()


def advantages_of(batch, gamma, lam):
    """Generalised advantages (Schulman et al. 2016) and returns, [T, N]."""
    rewards, values, ends = batch["rewards"], batch["values"], batch["ends"]
    advantages = torch.zeros_like(rewards)
    running, following = torch.zeros_like(batch["last_values"]), batch["last_values"]
    for t in reversed(range(len(rewards))):
        goes_on = 1 - ends[t]
        # Where an episode was cut off, `bootstraps` has what would still have come.
        delta = rewards[t] + batch["bootstraps"][t] + gamma * following * goes_on - values[t]
        running = delta + gamma * lam * goes_on * running
        advantages[t], following = running, values[t]
    return advantages, advantages + values


def update(policy, value, optimiser, batch, ppo, orders):
    """Answers the figures, means over the minibatches.

    `batch`: tensors [T, N, ...] but `last_values` [N]; `ppo`: the settings of the schedule;
    `orders`: of each epoch a permutation of the B rows.
    """
    advantages, returns = advantages_of(batch, ppo["gamma"], ppo["lambda"])
    flat = {name: one.flatten(0, 1) for name, one in batch.items()
            if one is not None and name != "last_values"}
    gains, targets, masks = advantages.flatten(), returns.flatten(), flat.get("masks")
    parameters = [*policy.parameters(), *value.parameters()]
    size = len(gains) // ppo["minibatches"]
    sums = dict.fromkeys(("policy_loss", "value_loss", "entropy", "approx_kl", "clip_frac"), 0.0)
    for order in orders:
        for chosen in order.split(size)[:ppo["minibatches"]]:
            seen = flat["seen"][chosen]
            log_p, p = log_softmax(policy(seen), None if masks is None else masks[chosen])
            entropy = -(p * log_p).sum(-1).mean()
            taken = log_p.gather(-1, flat["actions"][chosen, None]).squeeze(-1)
            log_ratio = taken - flat["log_p"][chosen]
            ratio, clip = log_ratio.exp(), ppo["clip"]
            gain = gains[chosen]
            gain = (gain - gain.mean()) / (gain.std() + 1e-8)
            policy_loss = -torch.min(gain * ratio, gain * ratio.clamp(1 - clip, 1 + clip)).mean()
            value_loss = value_loss_of(
                value(seen).squeeze(-1), flat["values"][chosen], targets[chosen], ppo)
            loss = policy_loss - ppo["entropy"] * entropy + ppo["valueWeight"] * value_loss
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, ppo["maxNorm"])
            optimiser.step()
            with torch.no_grad():
                sums["policy_loss"] += policy_loss.item()
                sums["value_loss"] += value_loss.item()
                sums["entropy"] += entropy.item()
                sums["approx_kl"] += (ratio - 1 - log_ratio).mean().item()
                sums["clip_frac"] += ((ratio - 1).abs() > clip).float().mean().item()
    parts = len(orders) * ppo["minibatches"]
    figures = {name: one / parts for name, one in sums.items()}
    left = (targets - flat["values"]).var() / targets.var().clamp_min(1e-16)
    loss = (figures["policy_loss"] - ppo["entropy"] * figures["entropy"]
            + ppo["valueWeight"] * figures["value_loss"])
    return {**figures, "loss": loss, "explained_variance": 1 - left.item()}


def value_loss_of(found, before, targets, ppo):
    """Half the square of the error; clipped, the worse of it and of a move that is bounded."""
    errors = (found - targets) ** 2
    if ppo["clipsValue"]:
        near = before + (found - before).clamp(-ppo["clip"], ppo["clip"])
        errors = torch.max(errors, (near - targets) ** 2)
    return 0.5 * errors.mean()
