"""Step through one encounter by hand, printing what the doctor sees and what each turn earned.

python examples/step_through.py
"""

import gymnasium as gym

import medsim  # registers the environments

env = gym.make("medsim/Consult-v0")
observation, info = env.reset(seed=0, options={"case": "winter-cough"})
print(observation)

for turn in [
    "say: Hello, I am Doctor Reed. What brings you in today?",
    "ask: when did it start?\nask: are you allergic to anything?",
    "examine: vital signs\nexamine: lungs",
    "order: chest x-ray\nwait: result",
    "diagnose: community-acquired pneumonia\ndispose: ward\nend:",
]:
    observation, reward, terminated, truncated, info = env.step(turn)
    print(f"\n> {turn}\n{observation}\n  reward {reward:+.3f} at minute {info['minutes']:.0f}")

print(f"\nmedsim {medsim.__version__}: score {env.unwrapped.scorecard.score:.2f}")
