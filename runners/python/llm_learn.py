"""One update of GRPO: what groups of episodes teach a model.

Of each start state a group of episodes is played, and an episode is as good as it is better than
its group: (reward - mean) / deviation. Every token that the model drew is made likelier by that.
Groups whose episodes all fare alike teach nothing; they are counted and passed over. Each batch
is used once, so the policy that learns is the one that drew, and nothing has to be clipped.
"""

import torch

MAX_BATCH_TOKENS = 4096  # that are learned from at once, padding included


def learn(model, optimizer, groups, kl_weight):
    """One step of the optimiser; answers the figures of the batch, means over own tokens."""
    batch, idle = [], 0
    for group in groups:
        rewards = torch.tensor([one.end["reward"] for one in group], dtype=torch.float64)
        deviation = rewards.std(correction=0).item()
        if deviation < 1e-8:
            idle += 1
            continue
        advantages = (rewards - rewards.mean()) / deviation
        batch += [(one, a) for one, a in zip(group, advantages.tolist()) if one.said > 0]
    figures = {"frac_reward_zero_std": idle / len(groups)}
    if not batch:
        return figures
    count = sum(one.said for one, _ in batch)
    sums = dict.fromkeys(("loss", "kl", "entropy"), 0.0)
    optimizer.zero_grad()
    for some in of_similar_length(batch):
        ids, mask, own, advantage = padded(some, model.device)
        log_p, entropy = log_probabilities(model, ids, mask)
        with torch.no_grad(), model.disable_adapter():
            base_log_p, _ = log_probabilities(model, ids, mask)
        away = base_log_p - log_p
        kl = away.exp() - away - 1  # never negative (Schulman 2020, k3)
        gain = (log_p - log_p.detach()).exp() * advantage
        loss = ((kl_weight * kl - gain) * own).sum() / count
        loss.backward()
        sums["loss"] += loss.item()
        sums["kl"] += (kl * own).sum().item() / count
        sums["entropy"] += (entropy * own).sum().item() / count
    norm = torch.nn.utils.clip_grad_norm_(trained(model), 1.0).item()
    optimizer.step()
    return {**figures, **sums, "grad_norm": norm}


def of_similar_length(batch):
    """Parts of a batch that fit into memory, little of them padding."""
    part = []
    for one in sorted(batch, key=lambda one: len(one[0].tokens)):
        if part and len(one[0].tokens) * (len(part) + 1) > MAX_BATCH_TOKENS:
            yield part
            part = []
        part.append(one)
    yield part


def padded(some, device):
    """Token ids and mask [rows, width]; own tokens and advantages of all but the first."""
    width = max(len(one.tokens) for one, _ in some)
    ids = torch.zeros(len(some), width, dtype=torch.long)
    mask, own = torch.zeros_like(ids), torch.zeros(len(some), width)
    for row, (one, _) in enumerate(some):
        ids[row, :len(one.tokens)] = torch.tensor(one.tokens)
        mask[row, :len(one.tokens)] = 1
        own[row, :len(one.tokens)] = torch.tensor(one.own, dtype=torch.float32)
    advantage = torch.tensor([[a] for _, a in some])
    return ids.to(device), mask.to(device), own[:, 1:].to(device), advantage.to(device)


def log_probabilities(model, ids, mask):
    """Of each token but the first, by those before it, and the entropy there: [rows, width - 1]."""
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
    log_p = logits.log_softmax(-1)
    entropy = -(log_p.detach().exp() * log_p.detach()).sum(-1)
    return log_p.gather(-1, ids[:, 1:, None]).squeeze(-1), entropy


def trained(model):
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
