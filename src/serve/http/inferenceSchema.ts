/** What the routes of the Open Inference Protocol answer. */
import { z } from 'zod';

/** `GET /v2`. */
export const serverSchema: z.ZodObject = z
  .object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
  .meta({ title: 'InferenceServer', description: 'what the server is, and which extensions it knows' });

/** `GET /v2/health/live`. */
export const liveSchema: z.ZodObject = z
  .object({ live: z.boolean() })
  .meta({ title: 'Live', description: 'whether the server lives' });

/** `GET /v2/health/ready`, and `…/ready` of a model. */
export const readySchema: z.ZodObject = z
  .object({ name: z.string().optional(), ready: z.boolean() })
  .meta({ title: 'Ready', description: 'whether a model is ready to infer' });

const tensor = z
  .object({
    name: z.string(),
    datatype: z.string(),
    shape: z.array(z.int()).describe('-1: any number of images'),
  })
  .meta({ title: 'TensorFacts', description: 'a tensor that a model takes or gives' });

/** `GET /v2/models/NAME`. */
export const inferenceModelSchema: z.ZodObject = z
  .object({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(tensor).describe('of which one is sent'),
    outputs: z.array(tensor),
  })
  .meta({ title: 'InferenceModel', description: 'what a model takes and gives' });

/** `POST /v2/models/NAME/infer`. */
export const inferredSchema: z.ZodObject = z
  .object({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional().describe('of the request'),
    outputs: z.array(
      z
        .object({
          name: z.string(),
          datatype: z.string().describe('FP32, or BYTES of classes'),
          shape: z.array(z.int()),
          data: z
            .array(z.number().or(z.string()))
            .optional()
            .describe('in a row; left out where it stands behind the JSON'),
          parameters: z.object({ binary_data_size: z.int() }).optional(),
        })
        .meta({ title: 'OutputTensor', description: 'a tensor of an answer' }),
    ),
  })
  .meta({ title: 'Inferred', description: 'answer of an inference' });
