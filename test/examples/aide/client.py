"""The calls that AIDE's document prints for requests."""

from typing import Any, Dict

import requests


class AIDEClient:
    def __init__(self, base_url: str = "http://localhost:8000"):
        self.base_url = base_url
        self.session = requests.Session()

    def create_experiment(self, config: Dict[str, Any]) -> Dict[str, Any]:
        response = self.session.post(f"{self.base_url}/api/experiments", json=config)
        response.raise_for_status()
        return response.json()

    def start_experiment(self, experiment_id: str) -> Dict[str, Any]:
        response = self.session.post(
            f"{self.base_url}/api/experiments/{experiment_id}/start"
        )
        response.raise_for_status()
        return response.json()
