"""envbuild: Azure ML's environments on any registry. A thin layer over the envbuild command.

    from envbuild import Environment, Workspace
"""

from .conda_dependencies import PYTHON_DEFAULT_VERSION, CondaDependencies
from .environment import Environment
from .exceptions import (
    AuthenticationException,
    AzureMLException,
    CancelledException,
    CorruptDataException,
    EnvbuildException,
    ImageBuildException,
    ServiceException,
    UnsatisfiableException,
    UserErrorException,
)
from .image import DockerImageDetails, ImageBuildDetails
from .sections import (
    ContainerRegistry,
    DatabricksSection,
    DockerBuildContext,
    DockerImagePlatform,
    DockerSection,
    PythonSection,
    SparkPackage,
    SparkSection,
)
from .workspace import Workspace

# The defaults of the seed's era, for code that names them.
DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi3.1.2-ubuntu18.04"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi3.1.2-cuda10.1-cudnn7-ubuntu18.04"

__all__ = [
    "AuthenticationException",
    "AzureMLException",
    "CancelledException",
    "CondaDependencies",
    "ContainerRegistry",
    "CorruptDataException",
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DatabricksSection",
    "DockerBuildContext",
    "DockerImageDetails",
    "DockerImagePlatform",
    "DockerSection",
    "EnvbuildException",
    "Environment",
    "ImageBuildDetails",
    "ImageBuildException",
    "PYTHON_DEFAULT_VERSION",
    "PythonSection",
    "ServiceException",
    "SparkPackage",
    "SparkSection",
    "UnsatisfiableException",
    "UserErrorException",
    "Workspace",
]
