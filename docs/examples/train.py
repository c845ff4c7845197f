"""Fits a line with PyTorch, on the GPU where there is one, and says with what."""
import platform

import future
import numpy
import torch

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)
x = torch.linspace(-1, 1, 128, device=device).unsqueeze(1)
y = 3 * x + 0.5 + 0.01 * torch.randn_like(x)
model = torch.nn.Linear(1, 1).to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(1, 201):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    if step in (1, 50, 100, 200):
        print(f"step {step:3}  loss {loss.item():.5f}")
print(f"python {platform.python_version()}, torch {torch.__version__}, numpy {numpy.__version__}, future {future.__version__}, on {device}")
