"""CondaDependencies: what is read, what a change leaves as it was, and what is refused."""

import unittest

from envbuild import PYTHON_DEFAULT_VERSION, CondaDependencies, UserErrorException, _yaml

from .support import CONDA, CommandTest


class CondaDependenciesTest(unittest.TestCase):
    def test_reads_lists_as_they_were_written(self) -> None:
        conda = CondaDependencies.from_text(CONDA)
        self.assertEqual(list(conda.conda_channels), ["conda-forge"])
        self.assertEqual(list(conda.conda_packages), ["python=3.8", "numpy=1.19"])
        self.assertEqual(list(conda.pip_packages), ["azureml-defaults~=1.0"])
        self.assertEqual(conda.get_python_version(), "3.8")

    def test_an_untouched_file_stays_byte_for_byte(self) -> None:
        self.assertEqual(CondaDependencies.from_text(CONDA).serialize_to_string(), CONDA)

    def test_a_change_keeps_what_it_is_not_about(self) -> None:
        conda = CondaDependencies.from_text(CONDA)
        conda.add_channel("pytorch")
        text = conda.serialize_to_string()
        self.assertIn("# what we train with\nname: train\nchannels:\n  - conda-forge\n  - pytorch\n", text)
        self.assertIn("python=3.8  # not 3.9", text)
        self.assertIn("variables:\n  GREETING: hello\n", text)

    def test_a_package_takes_the_place_of_the_one_before(self) -> None:
        conda = CondaDependencies.from_text(CONDA)
        conda.add_conda_package("conda-forge::NumPy>=1.20")
        conda.add_conda_package("scipy")
        conda.add_pip_package("azureml_defaults==1.13")
        conda.add_pip_package("torch==1.6.0")
        self.assertEqual(list(conda.conda_packages), ["python=3.8", "conda-forge::NumPy>=1.20", "scipy", "pip"])
        self.assertEqual(list(conda.pip_packages), ["azureml_defaults==1.13", "torch==1.6.0"])
        conda.remove_conda_package("scipy")
        conda.remove_pip_package("azureml-defaults")
        conda.remove_pip_package("torch")
        self.assertEqual(list(conda.pip_packages), [])
        self.assertNotIn("pip:", conda.serialize_to_string())
        self.assertNotIn("scipy", conda.serialize_to_string())

    def test_options_of_pip(self) -> None:
        conda = CondaDependencies.create(pip_packages=["torch"], pip_indexurl="https://index.lab/simple")
        conda.set_pip_option("--pre")
        conda.set_pip_index_url("https://other.lab/simple")
        self.assertEqual(list(conda.pip_options), ["--index-url https://other.lab/simple", "--pre"])
        self.assertEqual(list(conda.pip_packages), ["torch"])
        conda.remove_pip_option("--pre")
        self.assertEqual(list(conda.pip_options), ["--index-url https://other.lab/simple"])

    def test_create_asks_for_a_python_and_nothing_of_its_own(self) -> None:
        conda = CondaDependencies.create(conda_packages=["numpy"], pip_packages=["torch"])
        self.assertEqual(conda.get_python_version(), PYTHON_DEFAULT_VERSION)
        self.assertEqual(
            conda.as_dict(), {"dependencies": ["python=" + PYTHON_DEFAULT_VERSION, "numpy", "pip", {"pip": ["torch"]}]}
        )
        conda.set_python_version("3.6.2")
        self.assertEqual(list(conda.conda_packages)[0], "python=3.6.2")

    def test_other_ways_to_write_a_list(self) -> None:
        for text in (
            "dependencies: [python=3.8, 'numpy=1.19', \"scipy\"]\n",
            "dependencies:\n- python=3.8\n- 'numpy=1.19' # c\n\n# more\n- \"scipy\"\n",
            "---\n'dependencies':\n    - python=3.8\n    - numpy=1.19\n    - scipy\n",
            '{"dependencies": ["python=3.8", "numpy=1.19", "scipy"], "prefix": null}',
        ):
            with self.subTest(text):
                conda = CondaDependencies.from_text(text)
                self.assertEqual(list(conda.conda_packages), ["python=3.8", "numpy=1.19", "scipy"])
                conda.add_conda_package("zlib")
                self.assertEqual(list(conda.conda_packages), ["python=3.8", "numpy=1.19", "scipy", "zlib"])

    def test_what_is_not_read_is_refused_with_its_line(self) -> None:
        for text, line in (
            ("dependencies:\n  - &a python\n  - *a\n", "line 2"),
            ("dependencies:\n  - python\n  - pip: [torch]\n", "line 3"),
            ("dependencies:\n  - >-\n    python\n", "line 2"),
            ("dependencies:\n  - python\n    =3.8\n", "line 3"),
            ("dependencies: {python: 3.8}\n", "line 1"),
            ("name: x\nname: y\n", "line 2"),
            ("- python\n", "line 1"),
            ("dependencies: [python,\n  numpy]\n", "line 2"),
        ):
            with self.subTest(text):
                conda = CondaDependencies.from_text(text)
                with self.assertRaisesRegex(UserErrorException, line):
                    conda.add_conda_package("zlib")
                self.assertEqual(conda.serialize_to_string(), text)

    def test_control_characters_and_nothing_are_no_package(self) -> None:
        conda = CondaDependencies()
        for package in ("", "  ", "a\nb", "a\x00"):
            with self.assertRaises(UserErrorException):
                conda.add_conda_package(package)

    def test_scalars_that_yaml_would_read_otherwise_are_quoted(self) -> None:
        for text, written in (("3.10", '"3.10"'), ("yes", '"yes"'), ("a: b", '"a: b"'), ("numpy>=1,<2", "numpy>=1,<2"),
                              ("a #b", '"a #b"'), ("*", '"*"'), ("x[version='1']", "\"x[version='1']\"")):
            self.assertEqual(_yaml.quote(text), written)
            self.assertEqual(_yaml.Document("k:\n  - {}\n".format(written)).read("k"), [text])


class AsTheCommandReadsItTest(CommandTest):
    def test_what_is_written_means_what_was_asked(self) -> None:
        from envbuild import Environment

        conda = CondaDependencies.create(
            python_version="3.8",
            conda_packages=["numpy >=1.19,<2", "conda-forge::zlib", "bzip2[version='1.0.8']"],
            pip_packages=["torch==1.6.0; python_version < '3.9'", "requests[socks]~=2.0"],
        )
        conda.add_channel("https://channels.lab/own")
        made = Environment("made")
        made.python.conda_dependencies = conda
        self.write(
            "by_hand.yml",
            "channels: ['https://channels.lab/own']\ndependencies:\n- python=3.8\n- numpy >=1.19,<2\n- conda-forge::zlib\n"
            "- bzip2[version='1.0.8']\n- pip\n- pip:\n  - torch==1.6.0; python_version < '3.9'\n  - requests[socks]~=2.0\n",
        )
        by_hand = Environment.from_conda_specification("by-hand", "by_hand.yml")
        self.assertEqual(made.spec_hash(), by_hand.spec_hash())
