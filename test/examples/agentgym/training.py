"""The calls that AgentGym's document prints for Python; only the address is the caller's."""

import sys

import requests

origin = sys.argv[1]

response = requests.post(f"{origin}/api/training/start", json={
    "scenario_id": "customer_support",
    "framework": "LangChain",
    "max_episodes": 200,
    "learning_rate": 0.001
})

session_id = response.json()["session_id"]
print(f"Training session started: {session_id}")

response = requests.get(f"{origin}/api/training/{session_id}")
status = response.json()

print(f"Episode {status['current_episode']}/{status['max_episodes']}")
print(f"Accuracy: {status['accuracy']:.2f}%")
