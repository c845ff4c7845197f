"""Environment: each method of the SDK, on the real command and a repository in a folder."""

import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from envbuild import (
    PYTHON_DEFAULT_VERSION,
    CondaDependencies,
    ContainerRegistry,
    DockerBuildContext,
    EnvbuildException,
    Environment,
    SparkPackage,
    UserErrorException,
    Workspace,
)

from .support import CONDA, CommandTest

CURATED = "AzureML-PyTorch-1.6-GPU"
WHEEL = "our_pkg-1.0-py3-none-any.whl"


class NamesTest(CommandTest):
    def test_the_seeds_code_for_a_curated_environment(self) -> None:
        ws = Workspace.from_config()
        env = Environment.get(workspace=ws, name=CURATED)
        self.assertEqual(env.name, CURATED)
        self.assertIsNotNone(env.version)
        env = env.clone("pytorch-1.6-gpu")
        self.assertEqual((env.name, env.version), ("pytorch-1.6-gpu", None))
        env.save_to_directory(path="./env", overwrite=True)
        self.assertEqual(sorted(os.listdir("env")), ["azureml_environment.json", "conda_dependencies.yml"])
        said = json.loads(Path("env/azureml_environment.json").read_text())
        self.assertEqual(said["name"], "pytorch-1.6-gpu")
        self.assertIn("cuda10.1", said["docker"]["baseImage"])

    def test_the_seeds_code_for_a_conda_file(self) -> None:
        self.write("conda_dependencies.yml", CONDA)
        env = Environment.from_conda_specification(name="train", file_path="conda_dependencies.yml")
        env.docker.enabled = True
        env.docker.base_image = "mcr.microsoft.com/azureml/openmpi3.1.2-cuda10.1-cudnn7-ubuntu18.04:20200821.v1"
        done = env.register(workspace=self.workspace)
        self.assertEqual((done.name, done.version), ("train", "1"))
        back = Environment.get(self.workspace, "train")
        self.assertTrue(back.docker.enabled)
        self.assertEqual(back.docker.base_image, env.docker.base_image)
        conda = back.python.conda_dependencies
        assert conda is not None
        self.assertEqual(conda.serialize_to_string(), CONDA)
        self.assertEqual(back.spec_hash(), env.spec_hash())

    def test_versions_and_labels(self) -> None:
        env = Environment("train")
        self.assertEqual(env.register(self.workspace).version, "1")
        self.assertEqual(env.register(self.workspace).version, "1")
        env.environment_variables["A"] = "1"
        self.assertEqual(env.register(self.workspace).version, "2")
        Environment.label(self.workspace, "train", "1", ["stable", "paper"])
        self.assertEqual(Environment.get(self.workspace, "train").version, "2")
        self.assertEqual(Environment.get(self.workspace, "train", label="paper").version, "1")
        self.assertEqual(Environment.get(self.workspace, "train", version="1").environment_variables, {})
        with self.assertRaises(UserErrorException):
            Environment.get(self.workspace, "train", version="1", label="stable")
        with self.assertRaisesRegex(UserErrorException, "9"):
            Environment.get(self.workspace, "train", version="9")

    def test_a_file_of_the_same_name_is_not_the_name(self) -> None:
        Environment("train").register(self.workspace)
        Environment("other").save_to_directory("train")
        self.assertEqual(Environment.get(self.workspace, "train").name, "train")

    def test_list_has_curated_ones_and_the_teams(self) -> None:
        Environment("ours").register(self.workspace)
        listed = Environment.list(self.workspace)
        self.assertIn(CURATED, listed)
        self.assertIn("ours", self.workspace.environments)
        self.assertGreater(len(listed), 50)
        self.assertEqual(listed["ours"].version, "1")
        with self.assertRaises(KeyError):
            listed["nope"]

    def test_reserved_prefixes_are_refused_by_name(self) -> None:
        for name in ("AzureML-mine", "azureml-mine", "Microsoft-x"):
            with self.assertRaisesRegex(UserErrorException, "prefix") as caught:
                Environment.get(self.workspace, CURATED).clone(name).register(self.workspace)
            self.assertEqual(caught.exception.exit_code, 2)

    def test_names_that_are_none(self) -> None:
        for name in ("", "a/b", "-x", "a b", "x" * 256, "./env", "a:1", "a\n"):
            with self.assertRaises(UserErrorException):
                Environment(name)
            with self.assertRaises(UserErrorException):
                Environment.get(self.workspace, name)
            with self.assertRaises(UserErrorException):
                Environment("good").clone(name)

    def test_a_name_that_nobody_knows(self) -> None:
        with self.assertRaisesRegex(UserErrorException, "AzureML-PyTorch-1.6-GPX"):
            Environment.get(self.workspace, "AzureML-PyTorch-1.6-GPX")


class FilesTest(CommandTest):
    def test_a_python_is_added_where_none_is_asked(self) -> None:
        for text in ("dependencies:\n  - numpy\n  - python_abi\n", "dependencies: [numpy, {pip: [torch]}]\n"):
            self.write("conda.yml", text)
            if "{" in text:
                with self.assertRaisesRegex(UserErrorException, "line 1"):
                    Environment.from_conda_specification("x", "conda.yml")
                continue
            env = Environment.from_conda_specification("x", "conda.yml")
            conda = env.python.conda_dependencies
            assert conda is not None
            self.assertEqual(conda.get_python_version(), PYTHON_DEFAULT_VERSION)
        for text in ("dependencies: [python>=3.7]\n", "dependencies: [{pip: [torch]}, 'conda-forge::python']\n"):
            self.write("conda.yml", text)
            conda = Environment.from_conda_specification("x", "conda.yml").python.conda_dependencies
            assert conda is not None
            self.assertEqual(conda.serialize_to_string(), text)

    def test_a_requirements_file_with_what_it_includes(self) -> None:
        self.write("requirements.txt", "torch==1.6.0\n-r more/base.txt\n./" + WHEEL + "\n")
        self.write("more/base.txt", "numpy\n")
        self.write(WHEEL, b"PK")
        env = Environment.from_pip_requirements("pip", "requirements.txt")
        env.save_to_directory("out")
        self.assertEqual(Path("out/requirements.txt").read_text().splitlines()[0], "torch==1.6.0")
        self.assertEqual(Path("out/more/base.txt").read_text(), "numpy\n")
        self.assertEqual(Path("out", WHEEL).read_bytes(), b"PK")
        self.assertIn("python=" + PYTHON_DEFAULT_VERSION, Path("out/conda_dependencies.yml").read_text())

    def test_a_conda_environment_of_this_machine(self) -> None:
        prefix = self.directory / "envs/mine"
        (prefix / "conda-meta").mkdir(parents=True)
        for name, version in (("python", "3.8.20"), ("numpy", "1.19.5")):
            record = {"name": name, "version": version, "build": "h_0", "build_number": 0, "channel": "conda-forge",
                      "subdir": "linux-64", "fn": "x.conda",
                      "url": "https://conda.anaconda.org/conda-forge/linux-64/{}-{}-h_0.conda".format(name, version)}
            (prefix / "conda-meta" / "{}-{}-h_0.json".format(name, version)).write_text(json.dumps(record))
        (prefix / "conda-meta/history").write_text("")
        os.environ["CONDA_ENVS_PATH"] = str(self.directory / "envs")
        for word in ("mine", str(prefix)):
            env = Environment.from_existing_conda_environment("copy", word)
            conda = env.python.conda_dependencies
            assert conda is not None
            self.assertEqual(conda.get_python_version(), "3.8.20")
            self.assertEqual([re.sub("=+", "=", one) for one in conda.conda_packages if "numpy" in one], ["numpy=1.19.5"])
        with self.assertRaisesRegex(UserErrorException, "no conda environment 'other'"):
            Environment.from_existing_conda_environment("copy", "other")

    def test_an_image_as_it_is_and_with_packages(self) -> None:
        as_it_is = Environment.from_docker_image("base", "registry.lab:5000/team/torch:2.1")
        self.assertTrue(as_it_is.python.user_managed_dependencies)
        self.write("conda.yml", CONDA)
        login = ContainerRegistry()
        login.address, login.username, login.password = "registry.lab:5000", "me", "s3cret-word"
        env = Environment.from_docker_image("base", "team/torch:2.1", login, conda_specification="conda.yml")
        self.assertFalse(env.python.user_managed_dependencies)
        env.save_to_directory("out")
        said = Path("out/azureml_environment.json").read_text()
        self.assertEqual(json.loads(said)["docker"]["baseImage"], "registry.lab:5000/team/torch:2.1")
        for text in (said, repr(env), str(env), repr(env.docker), repr(env.docker.base_image_registry), repr(login)):
            self.assertNotIn("s3cret-word", text)
        self.assertEqual(env.clone("c").docker.base_image_registry.password, "s3cret-word")
        with self.assertRaises(UserErrorException):
            Environment.from_docker_image("base", "x", conda_specification="conda.yml", pip_requirements="conda.yml")

    def test_a_dockerfile_by_path_and_by_text(self) -> None:
        text = "FROM debian:bookworm-slim\nRUN true\n"
        path = self.write("Dockerfile", text)
        self.write("requirements.txt", "numpy\n")
        hashes = set()
        for given in (text, "Dockerfile", path):
            env = Environment.from_dockerfile("own", given, pip_requirements="requirements.txt")
            self.assertEqual(env.docker.base_dockerfile, text)
            hashes.add(env.spec_hash())
        self.assertEqual(len(hashes), 1)
        env.save_to_directory("out")
        self.assertEqual(Path("out/BaseDockerfile").read_text(), text)
        self.assertEqual(Environment.load_from_directory("out").docker.base_dockerfile, text)
        with self.assertRaises(UserErrorException):
            Environment.from_dockerfile("own", "nowhere/Dockerfile")

    def test_a_build_context_with_and_without_packages(self) -> None:
        self.write("image/docker/Dockerfile", "FROM debian:bookworm-slim\nCOPY hello /hello\n")
        self.write("image/hello", "hello\n")
        self.write("image/secret.key", "no\n")
        self.write("image/.dockerignore", "*.key\n")
        self.write("elsewhere/conda.yml", CONDA)
        context = DockerBuildContext.from_local_directory(self.workspace, "image", "docker/Dockerfile")
        alone = Environment.from_docker_build_context("own", context)
        both = Environment.from_docker_build_context("own", context, conda_specification="elsewhere/conda.yml")
        self.assertNotEqual(alone.spec_hash(), both.spec_hash())
        self.write("image/hello", "changed\n")
        both.save_to_directory("out")
        folder = json.loads(Path("out/azureml_environment.json").read_text())["docker"]["buildContext"]["location"]
        self.assertEqual((Path("out") / folder / "hello").read_text(), "hello\n")
        self.assertFalse((Path("out") / folder / "secret.key").exists())
        self.assertTrue(Path("out/conda_dependencies.yml").exists())
        self.assertEqual(Environment.load_from_directory("out").spec_hash(), both.spec_hash())
        changed = Environment.from_docker_build_context("own", context)
        self.assertNotEqual(alone.spec_hash(), changed.spec_hash())

    def test_a_build_context_in_git(self) -> None:
        context = DockerBuildContext.from_git(url="https://git.lab/images.git#main:torch")
        env = Environment.from_docker_build_context("own", context)
        env.save_to_directory("out")
        self.assertEqual(
            Environment.load_from_directory("out").docker.build_context.location, "https://git.lab/images.git#main:torch"
        )

    def test_a_build_context_in_a_repository_counts_by_its_commit(self) -> None:
        def git(*arguments: str) -> str:
            said = ["git", "-C", "images", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
            return subprocess.run(said + list(arguments), check=True, stdout=subprocess.PIPE).stdout.decode().strip()

        self.write("images/torch/Dockerfile", "FROM debian:12\n")
        git("init", "-q", "-b", "main")
        git("add", ".")
        git("commit", "-q", "-m", "one")
        repository = "file://{}/images".format(self.directory)

        def spec_hash(ref: str) -> str:
            context = DockerBuildContext.from_git(self.workspace, repository + "#" + ref + ":torch")
            return Environment.from_docker_build_context("own", context).spec_hash()

        before, commit = spec_hash("main"), git("rev-parse", "HEAD")
        self.assertEqual(spec_hash(commit), before)
        self.write("images/torch/data", "two")
        git("add", ".")
        git("commit", "-q", "-m", "two")
        self.assertNotEqual(spec_hash("main"), before)
        self.assertEqual(spec_hash(commit), before)
        with self.assertRaisesRegex(UserErrorException, "none"):
            spec_hash("none")

    def test_rare_fields_of_a_registry_are_kept(self) -> None:
        registry = {"address": "r.lab", "registryIdentity": {"resourceId": "/a", "clientId": "b"}, "more": [1]}
        document = {"docker": {"baseImage": "r.lab/i:1", "baseImageRegistry": dict(registry, password="s3cret-word")}}
        self.write("in/azureml_environment.json", json.dumps(document))
        env = Environment.load_from_directory("in")
        self.assertEqual(env.docker.base_image_registry.registry_identity, registry["registryIdentity"])
        env.save_to_directory("out")
        said = Path("out/azureml_environment.json").read_text()
        self.assertNotIn("s3cret-word", said)
        for key, value in registry.items():
            self.assertEqual(json.loads(said)["docker"]["baseImageRegistry"][key], value)

    def test_a_private_wheel_travels_with_the_definition(self) -> None:
        wheel = self.write("dist/" + WHEEL, b"PK one")
        url = Environment.add_private_pip_wheel(self.workspace, str(wheel))
        self.assertTrue(url.startswith("file:///"))
        with self.assertRaisesRegex(UserErrorException, "exist_ok"):
            Environment.add_private_pip_wheel(self.workspace, str(wheel))
        self.assertEqual(Environment.add_private_pip_wheel(self.workspace, str(wheel), exist_ok=True), url)
        env = Environment("with-wheel")
        conda = CondaDependencies.create(python_version="3.11")
        conda.add_pip_package(url)
        env.python.conda_dependencies = conda
        env.register(self.workspace)
        (self.directory / ".azureml/wheels" / WHEEL).unlink()
        back = Environment.get(self.workspace, "with-wheel")
        back.save_to_directory("out")
        self.assertEqual(Path("out", WHEEL).read_bytes(), b"PK one")
        self.assertIn('"./{}"'.format(WHEEL), Path("out/conda_dependencies.yml").read_text())
        with self.assertRaisesRegex(UserErrorException, "is not there"):
            env.save_to_directory("again")
        with self.assertRaisesRegex(UserErrorException, "no wheel"):
            Environment.add_private_pip_wheel(self.workspace, self.write("x.whl", b""))

    def test_conda_dependencies_from_a_file_bring_what_they_name(self) -> None:
        self.write("conf/conda.yml", "dependencies:\n  - python=3.8\n  - pip\n  - pip:\n    - -r base.txt\n")
        self.write("conf/base.txt", "numpy\n")
        env = Environment("x")
        env.python.conda_dependencies = CondaDependencies("conf/conda.yml")
        env.save_to_directory("out")
        self.assertEqual(Path("out/base.txt").read_text(), "numpy\n")


class FieldsTest(CommandTest):
    def test_all_fields_go_out_and_come_back(self) -> None:
        env = Environment("all")
        env.docker.enabled = True
        env.docker.base_image = "debian:bookworm-slim"
        env.docker.shm_size = "2g"
        env.docker.arguments.append("--ulimit=memlock=-1")
        env.docker.shared_volumes = False
        env.docker.platform.architecture = "arm64"
        env.python.interpreter_path = "/opt/python"
        env.environment_variables = {"A": "1"}
        env.spark.repositories = ["https://maven.lab"]
        env.spark.packages = [SparkPackage("g", "a", "1")]
        env.spark.precache_packages = False
        env.databricks.pypi_libraries.append({"package": "x"})
        env.inferencing_stack_version = "latest"
        env.description = "of a test"
        env.tags["team"] = "vision"
        env.save_to_directory("out")
        back = Environment.load_from_directory("out")
        self.assertEqual(back.docker.arguments, ["--ulimit=memlock=-1"])
        self.assertEqual((back.docker.shm_size, back.docker.enabled, back.docker.shared_volumes), ("2g", True, False))
        self.assertEqual(back.docker.platform.architecture, "arm64")
        self.assertEqual(back.python.interpreter_path, "/opt/python")
        self.assertEqual(back.environment_variables, {"A": "1"})
        self.assertEqual([package.artifact for package in back.spark.packages], ["a"])
        self.assertFalse(back.spark.precache_packages)
        self.assertEqual(back.databricks.pypi_libraries, [{"package": "x"}])
        self.assertEqual((back.description, back.tags), ("of a test", {"team": "vision"}))
        self.assertEqual(back.inferencing_stack_version, "latest")

    def test_unknown_fields_are_kept(self) -> None:
        self.write("in/azureml_environment.json", json.dumps({"name": "x", "ours": [1], "docker": {"theirs": {"a": 2}}}))
        env = Environment.load_from_directory("in").clone("y")
        env.save_to_directory("out")
        said = json.loads(Path("out/azureml_environment.json").read_text())
        self.assertEqual((said["ours"], said["docker"]["theirs"], said["name"]), ([1], {"a": 2}, "y"))

    def test_a_typing_error_is_one(self) -> None:
        env = Environment("x")
        with self.assertRaises(AttributeError):
            env.docker.base_imgae = "x"  # type: ignore[attr-defined]
        with self.assertRaises(AttributeError):
            env.environment_variable = {}  # type: ignore[attr-defined]

    def test_a_clone_is_deep(self) -> None:
        env = Environment("x")
        env.environment_variables["A"] = "1"
        other = env.clone("y")
        other.environment_variables["A"] = "2"
        other.docker.base_image = "debian:bookworm-slim"
        conda = other.python.conda_dependencies
        assert conda is not None and env.python.conda_dependencies is not None
        conda.add_conda_package("zlib")
        self.assertEqual(env.environment_variables, {"A": "1"})
        self.assertIsNone(env.docker.base_image)
        self.assertNotIn("zlib", list(env.python.conda_dependencies.conda_packages))
        self.assertNotEqual(env.spec_hash(), other.spec_hash())
        self.assertEqual(env.spec_hash(), env.clone("z").spec_hash())

    def test_gpu_and_cuda_count(self) -> None:
        env, gpu = Environment("x"), Environment("x")
        gpu.cuda = "11.8"
        self.assertTrue(gpu.gpu)
        self.assertNotEqual(env.spec_hash(), gpu.spec_hash())
        gpu.save_to_directory("out")
        self.assertEqual(Environment.load_from_directory("out").cuda, "11.8")

    def test_exclusive_bases_are_the_commands_error(self) -> None:
        env = Environment("x")
        env.docker.base_image = "debian:bookworm-slim"
        env.docker.base_dockerfile = "FROM debian\n"
        with self.assertRaisesRegex(UserErrorException, "exclude each other") as caught:
            env.save_to_directory("out")
        self.assertEqual(caught.exception.exit_code, 2)
        self.assertFalse(os.path.exists("out"))

    def test_printing_hides_what_urls_carry(self) -> None:
        env = Environment("x")
        conda = CondaDependencies()
        conda.add_channel("https://me:s3cret-word@channels.lab/own")
        conda.add_channel("https://channels.lab/t/tk-12345/own")
        env.python.conda_dependencies = conda
        for hidden in ("s3cret-word", "tk-12345"):
            self.assertNotIn(hidden, repr(env))

    def test_a_directory_that_exists(self) -> None:
        Environment("x").save_to_directory("out")
        with self.assertRaisesRegex(UserErrorException, "exists"):
            Environment("x").save_to_directory("out")
        Environment("y").save_to_directory("out", overwrite=True)
        self.assertEqual(Environment.load_from_directory("out").name, "y")


class AnswersTest(CommandTest):
    def test_details_of_an_image_that_is_not_there(self) -> None:
        details = Environment.get(self.workspace, CURATED).get_image_details(self.workspace)
        self.assertIs(details.image_exist, False)
        self.assertIsNone(details.image)
        self.assertEqual(details.interpreter_path, "/opt/env/bin/python")
        self.assertRegex(str(details.spec_hash), "^[0-9a-f]{64}$")

    def test_a_registry_that_cannot_be_asked_is_no_answer(self) -> None:
        closed = Workspace(registry="127.0.0.1:9/team/envs")
        with self.assertRaises(EnvbuildException) as caught:
            Environment("x").get_image_details(closed)
        self.assertEqual(caught.exception.exit_code, 4)
        with self.assertRaises(EnvbuildException) as caught:
            Environment.list(closed)
        self.assertEqual(caught.exception.exit_code, 4)

    def test_a_build_that_fails_says_why(self) -> None:
        env = Environment("x")
        env.docker.base_image = "not an image"
        details = env.build(self.workspace)
        with self.assertRaises(UserErrorException) as caught:
            details.wait_for_completion(show_output=False)
        self.assertEqual(details.status, "Failed")
        self.assertIn(caught.exception.message.splitlines()[0], details.get_log())
        with self.assertRaises(UserErrorException):
            env.build_local(self.workspace, useDocker=False)

    def test_a_command_that_is_not_there(self) -> None:
        os.environ["ENVBUILD"] = "/nonexistent/envbuild"
        with self.assertRaisesRegex(EnvbuildException, "ENVBUILD names /nonexistent/envbuild"):
            Environment.list(self.workspace)
        del os.environ["ENVBUILD"]
        os.environ["PATH"] = str(self.directory)
        with self.assertRaisesRegex(EnvbuildException, "not on the PATH"):
            Environment.list(self.workspace)


if __name__ == "__main__":
    sys.exit(unittest.main())
