"""Workspace: where its configuration is looked for, and what wins."""

import json
import os

from envbuild import UserErrorException, Workspace

from .support import CommandTest

CONFIG = {"subscription_id": "s", "resource_group": "g", "workspace_name": "w"}


class WorkspaceTest(CommandTest):
    def test_without_a_file_the_environment_names_the_repository(self) -> None:
        self.assertEqual(Workspace.from_config().registry, os.environ["ENVBUILD_REGISTRY"])
        del os.environ["ENVBUILD_REGISTRY"]
        self.assertIsNone(Workspace.from_config().registry)

    def test_a_config_json_of_azure_ml_as_it_is(self) -> None:
        self.write("config.json", json.dumps({**CONFIG, "Scope": {"more": 1}}))
        workspace = Workspace.from_config()
        self.assertEqual((workspace.name, workspace.resource_group, workspace.subscription_id), ("w", "g", "s"))
        self.assertEqual(workspace.registry, os.environ["ENVBUILD_REGISTRY"])

    def test_the_key_registry_and_what_wins_over_it(self) -> None:
        self.write("project/.azureml/config.json", json.dumps({**CONFIG, "registry": "registry.lab:5000/team/envs"}))
        self.write("project/src/train.py", "")
        os.chdir(str(self.directory / "project/src"))
        self.assertEqual(Workspace.from_config().registry, os.environ["ENVBUILD_REGISTRY"])
        del os.environ["ENVBUILD_REGISTRY"]
        workspace = Workspace.from_config()
        self.assertEqual(workspace.registry, "registry.lab:5000/team/envs")
        self.assertEqual(workspace.wheel_directory, self.directory.resolve() / "project/.azureml/wheels")
        named = Workspace.from_config(path=str(self.directory / "project"))
        self.assertEqual(named.registry, "registry.lab:5000/team/envs")

    def test_what_is_wrong_is_said_with_the_file(self) -> None:
        for text in ("{", "[]", '{"registry": 3}'):
            path = self.write("config.json", text)
            with self.assertRaisesRegex(UserErrorException, "config.json"):
                Workspace.from_config()
            path.unlink()
        with self.assertRaisesRegex(UserErrorException, "nowhere"):
            Workspace.from_config(path="nowhere")
