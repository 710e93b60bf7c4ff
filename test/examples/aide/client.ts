/** The calls that AIDE's document prints for axios; its tests run them here and in a browser. */
import axios from 'axios'

const apiClient = axios.create({
  baseURL: process.env.VITE_API_URL || 'http://localhost:8000',
  timeout: 30000,
})

export const experimentAPI = {
  create: (config: object) => apiClient.post('/api/experiments', config),

  start: (id: string) => apiClient.post(`/api/experiments/${id}/start`),

  getResults: (id: string) => apiClient.get(`/api/experiments/${id}/results`),
}

export const fileAPI = {
  upload: (files: ArrayLike<File>) => {
    const formData = new FormData()
    Array.from(files).forEach((file) => {
      formData.append('files', file)
    })

    return apiClient.post('/api/upload', formData, {
      headers: { 'Content-Type': 'multipart/form-data' },
    })
  },
}
